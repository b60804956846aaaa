# syntax=docker/dockerfile:1

FROM rust:1-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# Dependencies take the most time and change the least: an empty crate builds them into a layer of their own.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/it benches \
    && echo 'fn main() {}' | tee src/main.rs tests/it/main.rs benches/doors.rs >/dev/null \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -rf src tests/it/main.rs benches

COPY . .
# Cargo compares times, and the empty crate was built later than these files were written.
RUN touch tests/it/main.rs && find src benches build.rs -name '*.rs' -exec touch {} + \
    && cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin two-doors
COPY --from=build /build/target/release/two-doors /usr/local/bin/two-doors
USER 10001:10001
WORKDIR /
# No PostgreSQL programs in here: the container wants a DATABASE_URL, and with it PUBLIC_URL and SECRETS.
ENV BIND_ADDRESS=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["two-doors", "health"]
ENTRYPOINT ["two-doors"]

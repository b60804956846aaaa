//! The figures of requests: what they cost at either door, and how long they are.

use super::{Part, Source, Store, contest, value};
use crate::experiments::{
    exchange::Door::{Session, Token},
    figure::{Bar, amount},
    measure::{
        USUAL,
        doors::{Doors, Route},
        reference::RUN,
        sample::Unit,
        signatures::{Scheme, Signature},
    },
};

impl Source<'_> {
    /// Nothing, if this server does not say how long it takes.
    pub(super) fn look_up(&self) -> Option<Part> {
        let doors = self.run.map(|run| &run.doors);
        if doors.is_some_and(|doors| doors.session.authentication.is_none()) {
            return None;
        }
        let sample = |pick: fn(&Doors) -> &Route| doors.and_then(|doors| pick(doors).authentication.as_ref());
        let session = |store| sample(|doors| &doors.session).filter(|_| self.store == store);
        let (postgres, redis) = (session(Store::Postgres), session(Store::Redis));
        // The other store is left out, not shown as if it had been measured now.
        let stores = [
            ("session in Postgres", postgres, RUN.session_in_postgres),
            ("session in Redis", redis, RUN.session_in_redis),
        ];
        let shown = stores.into_iter().filter(|(_, sample, _)| self.run.is_none() || sample.is_some());
        let sessions = shown.map(|(label, sample, reference)| Self::bar(label, Session, sample, reference));
        let tokens = [
            Self::bar("token, claims only", Token, sample(|doors| &doors.claims), RUN.claims),
            Self::bar("token, live check", Token, sample(|doors| &doors.live), RUN.live),
        ];
        let bars: Vec<Bar> = sessions.chain(tokens).collect();
        let claims = value(&bars, "token, claims only");
        let title = contest("is", ("checking a token’s claims", claims), ("looking up the session", bars[0].value));
        let other = match (self.run.is_some(), self.store) {
            (false, _) => String::new(),
            (true, Store::Postgres) => other_store("Redis", RUN.session_in_redis, "Postgres"),
            (true, Store::Redis) => other_store("Postgres", RUN.session_in_postgres, "Redis"),
        };
        let says = format!(
            "What the server says (Server-Timing) that finding out who asks took it: a look-up for the session, a clock for the claims, both \
             for the live check, which is what log-out needs. The token’s signature was checked once and is remembered; a token that comes \
             for the first time costs what checking takes below. The store is as far away as this server has it: every millisecond to a \
             store on another machine is one more for each look-up, and none for a signature.{other}"
        );
        let n = self.n(|run| run.doors.session.round_trip.n, USUAL.requests);
        Some(Part {
            id: "look-up",
            heading: Some("Finding out who asks"),
            figure: self.figure(title, Unit::Microseconds.symbol(), n, bars),
            says,
        })
    }

    /// Nothing without a run: how long a round trip takes is a matter of the client as well.
    pub(super) fn round_trip(&self) -> Option<Part> {
        let doors = &self.run?.doors;
        let store = match self.store {
            Store::Postgres => "session, in Postgres",
            Store::Redis => "session, in Redis",
        };
        let bars = vec![
            doors.session.round_trip.bar(store, Some(Session)),
            doors.claims.round_trip.bar("token, claims only", Some(Token)),
            doors.live.round_trip.bar("token, live check", Some(Token)),
            doors.nobody.round_trip.bar("no credential asked for", None),
        ];
        let (session, token) = (("one with a session", bars[0].value), ("a request with a token", bars[1].value));
        let title = contest("is", token, session);
        let says = "Whole requests over HTTP on this machine, one after the other. Over a network add its round trip, some 20 ms or more, \
             to every one of them: then nobody sees the difference.";
        Some(Part {
            id: "round-trip",
            heading: doors.session.authentication.is_none().then_some("Requests"),
            figure: self.figure(title, Unit::Microseconds.symbol(), doors.session.round_trip.n, bars),
            says: says.to_owned(),
        })
    }

    pub(super) fn bytes(&self) -> Part {
        // `Authorization: Bearer `, and the end of the line.
        let line = |one: &Signature| one.bytes + 24;
        let cookie = self.run.map_or(RUN.cookie_line, |run| run.doors.cookie_line);
        let tokens = self.run.map_or(RUN.bearer_lines.to_vec(), |run| run.signatures.iter().map(line).collect());
        let mut bars = vec![Bar::exact("session cookie", Some(Session), cookie as f64)];
        let named = Scheme::ALL.into_iter().zip(&tokens);
        bars.extend(
            named.map(|(scheme, bytes)| Bar::exact(format!("token, {}", scheme.name()), Some(Token), *bytes as f64)),
        );
        if self.run.is_some() {
            let reference = [RUN.cookie_line].into_iter().chain(RUN.bearer_lines);
            bars = bars.into_iter().zip(reference).map(|(bar, bytes)| bar.beside(Some(bytes as f64))).collect();
        }
        let title = format!(
            "An ES256 token makes each request {} bytes longer than the cookie",
            amount(bars[2].value - bars[0].value)
        );
        let says = "The one header line that carries the credential, as it goes over the wire: what a session knows stays here, what a token \
             says travels every time. The claims are those of a real token of this server; only the signature differs.";
        Part {
            id: "bytes",
            heading: Some("Bytes on the wire"),
            figure: self.figure(title, "bytes", 1, bars),
            says: says.to_owned(),
        }
    }
}

fn other_store(name: &str, microseconds: f64, used: &str) -> String {
    let took = amount(microseconds);
    format!(
        " {name} was not measured here, as this server keeps its sessions in {used}; on the reference machine a session in {name} took {took} µs."
    )
}

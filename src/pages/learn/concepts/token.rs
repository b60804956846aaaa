//! The concepts of scheme 2.

use super::Concept;

/// From issue to refusal.
pub const CONCEPTS: &[Concept] = &[
    Concept {
        door: "tok",
        name: "Access token",
        what: "A signed statement that the client carries, good for minutes.",
        ours: "`src/token/mod.rs`: `Tokens`, whose `issue` signs `Claims`",
        names: [
            "none built in: `jwt.sign` of `jsonwebtoken`, or `jose`",
            "none built in: `AccessToken` of `djangorestframework-simplejwt`. REST framework's own `TokenAuthentication` looks an opaque one up",
            "none in the framework: Passport's are JWTs, Sanctum's are opaque and looked up",
            "none built in: `JWT.encode` of the gem `jwt`; with Devise, `devise-jwt`",
            "`JwtEncoder` (`NimbusJwtEncoder`), or Spring Authorization Server",
            "`JsonWebTokenHandler.CreateToken`; `MapIdentityApi` issues opaque ones",
        ],
    },
    Concept {
        door: "tok",
        name: "Checking it",
        what: "Signature, algorithm, issuer, audience and clock, without asking anybody.",
        ours: "`src/token/authenticate.rs`: `TokenUser`; `LiveTokenUser` asks whether the login still stands",
        names: [
            "none built in: `express-jwt`, where `algorithms` must be named",
            "none built in: `JWTAuthentication` of simplejwt",
            "Passport's guard `auth:api`, which also looks up whether the token is revoked",
            "none built in: `JWT.decode(token, key, true, algorithm: 'ES256')`",
            "`oauth2ResourceServer` with `jwt()`, a `JwtDecoder`",
            "`AddJwtBearer` and `TokenValidationParameters`",
        ],
    },
    Concept {
        door: "tok",
        name: "Refresh rotation",
        what: "Each refresh token works once; an old one that comes back is a sign of theft.",
        ours: "`src/token/renew.rs`: `renew`, which ends the family at reuse",
        names: [
            "none built in: rows of your own",
            "none built in: simplejwt's `ROTATE_REFRESH_TOKENS` with `BLACKLIST_AFTER_ROTATION`, both off by default",
            "Passport revokes a refresh token when it is used",
            "none built in: the gem `doorkeeper` with `use_refresh_token`",
            "Spring Authorization Server: `reuseRefreshTokens(false)` in `TokenSettings`",
            "none built in: `/refresh` of `MapIdentityApi` hands out a new one and keeps no rows, so the old one goes on until it expires",
        ],
    },
    Concept {
        door: "tok",
        name: "JWKS",
        what: "Where the public keys are published, by name, so that others can verify.",
        ours: "`src/token/keys/mod.rs`: `Keyring`, `Jwks`, published at /.well-known/jwks.json",
        names: [
            "none built in: fetched with `createRemoteJWKSet` of `jose`, or `jwks-rsa`",
            "none built in: fetched by simplejwt's `JWK_URL`; published by django-oauth-toolkit",
            "none built in: Passport keeps its public key in the file `oauth-public.key`",
            "none built in: `JWT::JWK` of the gem `jwt`",
            "fetched by `jwk-set-uri` or `issuer-uri`; published by Spring Authorization Server",
            "fetched by `Authority` of `AddJwtBearer`; published by OpenIddict or Duende",
        ],
    },
    Concept {
        door: "tok",
        name: "Denylist",
        what: "Single tokens that are refused before they expire, at the price of a look-up.",
        ours: "`src/token/revoke.rs`: `deny`, by the claim `jti`",
        names: [
            "none built in: `isRevoked` of `express-jwt` asks whatever you keep",
            "none built in: simplejwt's application `token_blacklist`, for refresh tokens",
            "Passport's tokens are rows: `revoke()`",
            "none built in: `Devise::JWT::RevocationStrategies::Denylist` of `devise-jwt`",
            "none built in: an `OAuth2TokenValidator<Jwt>` of yours, or opaque tokens and introspection",
            "none built in: `JwtBearerEvents.OnTokenValidated` asks whatever you keep",
        ],
    },
];

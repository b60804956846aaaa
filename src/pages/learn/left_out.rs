//! What this application leaves out, why, and what to take instead.

/// Something that is not here.
#[derive(Debug)]
pub struct LeftOut {
    /// Its name.
    pub what: &'static str,
    /// Why it is not here.
    pub why: &'static str,
    /// What whoever needs it takes.
    pub instead: &'static str,
}

const fn left_out(what: &'static str, why: &'static str, instead: &'static str) -> LeftOut {
    LeftOut { what, why, instead }
}

/// All of it; names in code stand between backticks.
pub const LEFT_OUT: &[LeftOut] = &[
    left_out(
        "OAuth 2, OpenID Connect, single sign-on",
        "They answer who may ask on whose behalf, and how a log-in at one party counts at another. The question here is what a browser or a program holds after the log-in, which comes after theirs: whoever signs in with a provider still gets a session or a token of the application. (Single pieces are here because they stand alone: the bearer header of RFC 6750, revocation of RFC 7009, introspection of RFC 7662.)",
        "An authorisation server that is certified and maintained: Keycloak, Ory Hydra, Zitadel, or a hosted one. As a client, the crate `openidconnect`.",
    ),
    left_out(
        "Passkeys and second factors",
        "They make the proof at the log-in stronger, and both doors would gain the same: a stolen session or token is stolen after the proof.",
        "WebAuthn with the crate `webauthn-rs`; TOTP (RFC 6238) with `totp-rs`. They belong where `accounts::credentials` checks a password, before either door; what a token then says of it is `amr` (RFC 8176).",
    ),
    left_out(
        "Mail: proof of an address, reset of a password",
        "A mail server is a dependency that nobody could try out on one machine. The price is said where it is paid: an address is not proven, sign-up tells whether one is taken, and a forgotten password is set anew by whoever runs the server (`two-doors user password`).",
        "A single-use link, hashed at rest, good for minutes, sent through a provider or the crate `lettre`. After the reset, end every login: `everywhere::end_all` is made for it. OWASP's Forgot Password Cheat Sheet has the traps.",
    ),
    left_out(
        "Recovery of an account",
        "Whatever lets somebody in without the password and the second factor is another door, and usually the weakest. It is a matter of support and of proof of identity more than of code.",
        "Recovery codes handed out with the second factor, a second passkey, or a person who checks; and a delay with a notice, so that the owner can object.",
    ),
    left_out(
        "Tokens bound to their sender: DPoP (RFC 9449), mutual TLS (RFC 8705)",
        "Here a bearer token is what the article talks about: whoever carries it is let in. Binding it to a key makes a stolen copy worthless without that key, and asks for a key in each client, a proof with each request, and a memory of proofs that were seen.",
        "DPoP for browsers and apps, with a key that can't be exported (WebCrypto); mutual TLS between servers. For browsers' session cookies the counterpart is Device Bound Session Credentials, where they are supported.",
    ),
    left_out(
        "Encrypted tokens (JWE)",
        "The client may know what is in these: an id, a role, instants. What must be hidden from the client is better not handed to it at all.",
        "An opaque token and introspection, if the bearer must not read it. JWE (RFC 7516) if a third party carries it between two that share a key.",
    ),
    left_out(
        "PASETO, Branca, Biscuit, macaroons",
        "PASETO takes away the choice of algorithm that JWT's worst mistakes came from. Here the key decides the algorithm, which takes it away as well; and the question is about JWT, which libraries, gateways and RFC 9068 speak.",
        "PASETO with the crate `rusty_paseto`, if both ends are yours. Biscuit, if holders must be able to narrow what they hold. Revocation stays what it is for either: a signature knows nothing of a log-out.",
    ),
    left_out(
        "Redis Cluster, Sentinel, and TLS to Redis",
        "A session in Redis is safe here because one script changes a user's keys at once, on one node. A cluster wants them in one slot and loses acknowledged writes when a replica takes over: an ended session could come back.",
        "One Redis with `appendfsync always`, reached through a Unix socket, a private network or a tunnel (`stunnel`, WireGuard); or the sessions in PostgreSQL, which fails over with synchronous replicas.",
    ),
    left_out(
        "Sharding, and several regions",
        "One PostgreSQL looks sessions up by key tens of thousands of times a second. Beyond that, where the rows live is a question of operations, and the answer differs with each.",
        "Shard by user, as every row of both schemes belongs to one. For several regions: tokens checked by their claims near the user, the rows of refresh tokens in one home region, and the feed of endings (`GET /api/endings`) for those that must know sooner.",
    ),
    left_out(
        "CAPTCHAs",
        "They hand visitors to a third party, keep some people out, and stop no one who pays for solutions. Guesses are slowed by account, by address, and by device here.",
        "If bots sign up in masses: proof of work in the browser (`altcha`), or an invitation. For guesses: a check against leaked passwords, and passkeys.",
    ),
    left_out(
        "A shared budget of guesses",
        "Budgets are counted in memory, in each instance: with five instances somebody has five times the guesses, and a restart forgets.",
        "A counter in Redis with an expiry, or the limiter of the proxy in front, which sees all of them.",
    ),
    left_out(
        "A list of leaked passwords",
        "A new password is judged by zxcvbn's estimate, without asking anybody outside.",
        "Have I Been Pwned's range API, which gets five digits of the hash only; or its list, kept locally.",
    ),
    left_out(
        "Fine-grained permissions, organisations, tenants",
        "One role is enough to show the thing that matters: a right in a token is as old as the token, a right in a row is not.",
        "Rules over rows, read at each request: `casbin`, Cedar, OpenFGA. Into a token goes at most what may be stale for as long as it lives.",
    ),
    left_out(
        "Log-out in the browser's other applications (single log-out)",
        "There is one application. Its two doors end each other's logins within one transaction.",
        "OpenID Connect Back-Channel Logout, which sends each application a signed notice; it is the feed of endings, the other way round.",
    ),
];

#[cfg(test)]
mod tests {
    use super::LEFT_OUT;

    #[test]
    fn whatever_is_left_out_has_a_reason_and_something_in_its_place() {
        for left_out in LEFT_OUT {
            for text in [left_out.why, left_out.instead] {
                assert!(text.len() > 60 && text.matches('`').count() % 2 == 0, "{}: {text}", left_out.what);
            }
        }
    }
}

//! The concepts that both doors share.

use super::Concept;

/// From the log-in to the end.
pub const CONCEPTS: &[Concept] = &[
    Concept {
        door: "none",
        name: "Password hasher",
        what: "Makes a stolen table of passwords useless for as long as it can.",
        ours: "`src/accounts/password.rs`: `Argon2id`; before it, in `src/accounts/gate.rs`, a `Gate` that lets few in at a time",
        names: [
            "none built in: the packages `argon2` or `bcrypt`",
            "`PASSWORD_HASHERS`, PBKDF2 by default; `make_password`, `check_password`",
            "`Hash::make`, bcrypt by default",
            "`has_secure_password` with the gem `bcrypt`, and `authenticate_by`",
            "`PasswordEncoder`; `DelegatingPasswordEncoder` with bcrypt by default",
            "`PasswordHasher<TUser>`, PBKDF2",
        ],
    },
    Concept {
        door: "none",
        name: "Throttling of guesses",
        what: "So many wrong passwords, for so long.",
        ours: "`src/accounts/throttle.rs`: `attempt`, by account, address and device",
        names: [
            "none built in: `express-rate-limit`, `rate-limiter-flexible`",
            "none built in: `django-axes`, `django-ratelimit`",
            "`RateLimiter`, the middleware `throttle`",
            "`rate_limit to:, within:` in a controller since 7.2; before, the gem `rack-attack`",
            "none built in: Bucket4j, Resilience4j",
            "`LockoutOptions` of Identity with `lockoutOnFailure`; for any route `AddRateLimiter`",
        ],
    },
    Concept {
        door: "none",
        name: "The user, in a handler",
        what: "How a route says that somebody must be logged in, and learns who.",
        ours: "`src/session/authenticate.rs`: a parameter of type `SessionUser`; `src/token/authenticate.rs`: `TokenUser` or `LiveTokenUser`",
        names: [
            "none built in: whatever you put into `req.session`; with Passport `req.user`",
            "`request.user`, `@login_required`",
            "the middleware `auth` and `$request->user()`; guards stand in `config/auth.php`",
            "a `before_action` of yours; since Rails 8 `bin/rails generate authentication` writes `require_authentication` and `Current.user`",
            "`authorizeHttpRequests`, `@AuthenticationPrincipal`",
            "`[Authorize]`, `HttpContext.User`",
        ],
    },
    Concept {
        door: "none",
        name: "Asking for the password again",
        what: "A sensitive action wants one that was given lately.",
        ours: "`src/pages/fresh.rs`: a parameter of type `FreshForm`; `src/token/authenticate.rs`: `FreshTokenUser`",
        names: [
            "none built in",
            "none built in: django-allauth has `reauthentication_required`",
            "the middleware `password.confirm`",
            "none built in",
            "`fullyAuthenticated()`, which tells a log-in from a remembered one but knows no age",
            "none built in",
        ],
    },
    Concept {
        door: "none",
        name: "Log-out everywhere",
        what: "Ends every login of a user, wherever it is.",
        ours: "`src/everywhere.rs`: `end_all`, both kinds in one transaction",
        names: [
            "none built in: find the user's sessions in the store and `destroy` each",
            "a change of password does it: each session carries `get_session_auth_hash()`. `update_session_auth_hash` keeps the present one",
            "`Auth::logoutOtherDevices($password)`, with the middleware `AuthenticateSession`",
            "impossible with the default store; with the generator's rows `user.sessions.destroy_all`",
            "`SessionRegistry.getAllSessions`, then `SessionInformation.expireNow()`",
            "`UserManager.UpdateSecurityStampAsync`: other cookies are found out within `ValidationInterval`, by default 30 minutes",
        ],
    },
    Concept {
        door: "none",
        name: "Claims and roles",
        what: "What somebody may do, and how old that knowledge is.",
        ours: "`src/token/access.rs`: `Claims`, as old as the token; a session reads the role from the user's row",
        names: [
            "none built in: `req.auth` of `express-jwt`; a role copied into `req.session` is just as old",
            "`user.has_perm`, groups: rows, read at each request",
            "`Gate`, policies, `$user->can()`; of tokens `tokenCan()`",
            "none built in: the gems `pundit`, `cancancan`",
            "`GrantedAuthority`, `@PreAuthorize`; from tokens `JwtGrantedAuthoritiesConverter`",
            "`ClaimsPrincipal`, `[Authorize(Roles = \"…\")]`: claims, in a cookie as in a token",
        ],
    },
];

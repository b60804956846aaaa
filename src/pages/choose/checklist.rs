//! What to see to, whichever scheme it becomes: to be printed and ticked off.

/// A list for one scheme.
#[derive(Debug)]
pub struct Checklist {
    /// "ses" or "tok".
    pub door: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What to see to.
    pub points: &'static [&'static str],
}

/// A list for each scheme.
pub const CHECKLISTS: [Checklist; 2] = [
    Checklist {
        door: "ses",
        title: "If it becomes sessions",
        points: &[
            "The key is 128 random bits or more, new at every log-in, and only its hash is stored.",
            "The cookie is HttpOnly, Secure, SameSite=Lax or Strict, and named with __Host-.",
            "Log-out marks the row before it answers, and an error there is shown as an error.",
            "A new password and a ban end every session in the same transaction.",
            "A slow request that began before log-out can’t write the session back.",
            "Idle and absolute timeouts are kept by the server, whatever the cookie says.",
            "Unsafe requests prove that one of your pages sent them: origin, and a token bound to the session.",
            "The role is read from the user’s row, not from a copy made at log-in.",
            "While the store is away the answer is 503, never “please log in”.",
        ],
    },
    Checklist {
        door: "tok",
        title: "If it becomes tokens",
        points: &[
            "The key decides the algorithm, never the token; typ, iss, aud and exp are required and checked.",
            "Access tokens live for minutes, and everybody knows which routes read only their claims.",
            "Refresh tokens work once, are stored as hashes, and an old one that comes back ends the login.",
            "Tabs that refresh at the same moment don’t throw one another out.",
            "A new password, a ban and a demotion end every family in the same transaction.",
            "Each service accepts only its own audience.",
            "Keys have a kid, are published before they sign, and can be retired; private parts are sealed at rest.",
            "In a browser the refresh token is in an HttpOnly cookie, and its routes check the origin.",
            "Nothing secret is in the payload: anybody can read it.",
        ],
    },
];

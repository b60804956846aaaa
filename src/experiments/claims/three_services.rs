//! Three services that know the issuer's public keys and nothing else: orders, billing and notifications (C4, F7).

use serde_json::Value;

use crate::experiments::{
    client::Client,
    exchange::Door,
    lab::{Run, Seen, Service, Stopped, get},
    message::Shown,
};

/// As they are called; what they do for a living matters to nobody here.
pub(super) const NAMES: [&str; 3] = ["orders", "billing", "notifications"];

/// The three, running.
pub(super) struct Services([Service; 3]);

impl Services {
    /// Starts them: they accept this issuer's tokens, each for its own of these audiences.
    pub(super) fn open(jwks: &Value, issuer: &str, audiences: [&str; 3]) -> Result<Self, Stopped> {
        let [orders, billing, notifications] = audiences.map(|audience| Service::open(jwks, issuer, audience));
        Ok(Self([orders?, billing?, notifications?]))
    }

    /// Shows a token to one of them.
    pub(super) async fn ask(&self, run: &mut Run, at: usize, token: &str, is_rogue: bool) -> Result<Seen, Stopped> {
        let mut client = Client::new(self.0[at].target(), "two-doors experiment")?;
        if is_rogue {
            client = client.copied("two-doors rogue service")?;
        }
        run.ask(&mut client, Door::Token, &get("/me", Shown::Bearer(token.to_owned()))).await
    }

    /// Shows each its own of these tokens. How many let it in.
    pub(super) async fn ask_all(&self, run: &mut Run, tokens: [&str; 3], says: &str) -> Result<usize, Stopped> {
        let mut let_in = 0;
        for (at, token) in tokens.into_iter().enumerate() {
            let seen = self.ask(run, at, token, false).await?;
            let_in += usize::from(seen.accepted());
            run.show(seen.saying(format!("The {} service: {says}", NAMES[at])));
        }
        Ok(let_in)
    }
}

//! How a run sends requests, one after the other or many at once; every credential that passes is remembered, so that it is
//! shown shortened.

use tokio::task::JoinHandle;

use super::{Run, Seen, Stopped, knock::lets_in};
use crate::experiments::{
    client::{Client, Unanswered},
    exchange::{Door, Exchange},
    message::{Answered, Request, Shown},
};

impl Run {
    /// Sends a request. Nothing is shown of it until [`Run::show`].
    pub async fn ask(&mut self, client: &mut Client, door: Door, request: &Request) -> Result<Seen, Stopped> {
        let answer = client.send(request).await?;
        Ok(self.seen(request, answer, (door, client.is_copy())))
    }

    /// Sends the same request so many times at once, from one client.
    pub async fn at_once(
        &mut self,
        client: &Client,
        door: Door,
        request: &Request,
        times: usize,
    ) -> Result<Vec<Seen>, Stopped> {
        let sent = send_at_once(client, request, times);
        self.gather(sent, door, request, client.is_copy()).await
    }

    /// Sends another request while the same one is under way so many times.
    pub async fn while_at_once(
        &mut self,
        client: &Client,
        door: Door,
        request: &Request,
        times: usize,
        (other, meanwhile): (&mut Client, &Request),
    ) -> Result<(Vec<Seen>, Seen), Stopped> {
        let sent = send_at_once(client, request, times);
        let seen = self.ask(other, door, meanwhile).await?;
        Ok((self.gather(sent, door, request, client.is_copy()).await?, seen))
    }

    async fn gather(
        &mut self,
        sent: Vec<JoinHandle<Result<Answered, Unanswered>>>,
        door: Door,
        request: &Request,
        by_thief: bool,
    ) -> Result<Vec<Seen>, Stopped> {
        let mut all = Vec::with_capacity(sent.len());
        for answer in sent {
            let answer = answer.await.map_err(|_| Stopped::because("a request was lost"))??;
            all.push(self.seen(request, answer, (door, by_thief)));
        }
        Ok(all)
    }

    fn seen(&mut self, request: &Request, answer: Answered, by: (Door, bool)) -> Seen {
        if let Shown::Bearer(token) = &request.shown {
            self.known.learn(token);
        }
        self.learn_from(&answer);
        let exchange = Exchange::new(by, self.start, request, &answer, lets_in(&answer), &self.known);
        Seen { exchange, answer }
    }

    fn learn_from(&mut self, answer: &Answered) {
        for (_, value, _) in answer.cookies() {
            self.known.learn(value);
        }
        for name in ["access_token", "refresh_token", "csrf_token"] {
            if let Some(token) = answer.text(name) {
                self.known.learn(&token);
            }
        }
    }
}

fn send_at_once(client: &Client, request: &Request, times: usize) -> Vec<JoinHandle<Result<Answered, Unanswered>>> {
    let send = || {
        let (client, request) = (client.clone(), request.clone());
        tokio::spawn(async move { client.fetch(&request).await })
    };
    std::iter::repeat_with(send).take(times).collect()
}

//! A stretch of wire between a client and a server that somebody listens in on: all that passes is kept.
//!
//! With TLS, both ends of the stretch are ours: a client's end that trusts one certificate, and a server's end that has it,
//! as a proxy would. The client speaks plain HTTP to the near end, and the far end to the server; what lies between is what
//! is listened to.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Stopped, tls};
use crate::experiments::client::Target;

/// The stretch; dropping it cuts it.
#[derive(Debug)]
pub struct Wire {
    target: Target,
    heard: Heard,
    relays: Vec<AbortHandle>,
}

/// What passed, each way of each connection by itself.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Vec<Vec<u8>>>>);

impl Wire {
    /// One to this server over http.
    pub async fn http(server: &Target) -> Result<Self, Stopped> {
        let heard = Heard::default();
        let (near, relay) = listened_in_on(server.address(), heard.clone()).await?;
        Ok(Self { target: server.through(near), heard, relays: vec![relay] })
    }

    /// One to this server over https.
    pub async fn https(server: &Target) -> Result<Self, Stopped> {
        let (acceptor, connector) = tls::ends()?;
        let heard = Heard::default();
        let to = server.address();
        let far = move |stream: TcpStream| {
            let acceptor = acceptor.clone();
            async move {
                let mut client = acceptor.accept(stream).await?;
                copy_bidirectional(&mut client, &mut TcpStream::connect(to).await?).await.map(drop)
            }
        };
        let (far, far_end) = relay(far).await?;
        let (wire, between) = listened_in_on(far, heard.clone()).await?;
        let near = move |mut client: TcpStream| {
            let connector = connector.clone();
            async move {
                let name = ServerName::try_from(tls::NAME).map_err(io::Error::other)?;
                let mut server = connector.connect(name, TcpStream::connect(wire).await?).await?;
                copy_bidirectional(&mut client, &mut server).await.map(drop)
            }
        };
        let (near, near_end) = relay(near).await?;
        Ok(Self { target: server.through(near), heard, relays: vec![far_end, between, near_end] })
    }

    /// The server, as it is reached through the wire.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether somebody who listens has read this.
    #[must_use]
    pub fn has_heard(&self, text: &str) -> bool {
        let heard = |way: &Vec<u8>| way.windows(text.len().max(1)).any(|piece| piece == text.as_bytes());
        self.heard.all().iter().any(heard)
    }

    /// How many bytes passed.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.heard.all().iter().map(Vec::len).sum()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.relays.iter().for_each(AbortHandle::abort);
    }
}

impl Heard {
    fn all(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn another_way(&self) -> usize {
        let mut all = self.all();
        all.push(Vec::new());
        all.len() - 1
    }

    fn keep(&self, way: usize, piece: &[u8]) {
        if let Some(kept) = self.all().get_mut(way) {
            kept.extend_from_slice(piece);
        }
    }
}

/// Does this with whoever connects, on a free port, until it is aborted.
async fn relay<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Result<(SocketAddr, AbortHandle), Stopped>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let failed = |error: io::Error| Stopped::because(format!("there is no port to listen in on: {error}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let task = tokio::spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.spawn(serve(stream));
        }
    });
    Ok((address, task.abort_handle()))
}

/// A relay to this address that keeps what passes.
async fn listened_in_on(to: SocketAddr, heard: Heard) -> Result<(SocketAddr, AbortHandle), Stopped> {
    relay(move |client: TcpStream| {
        let heard = heard.clone();
        async move {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = TcpStream::connect(to).await?.into_split();
            tokio::try_join!(pass(from_client, to_server, &heard), pass(from_server, to_client, &heard)).map(drop)
        }
    })
    .await
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, heard: &Heard) -> io::Result<()> {
    let (way, mut piece) = (heard.another_way(), vec![0; 16 * 1024]);
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        heard.keep(way, &piece[..length]);
        to.write_all(&piece[..length]).await?;
    }
}

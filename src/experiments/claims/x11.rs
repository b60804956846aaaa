//! X11: a store in memory loses every session with its process.

use nix::sys::signal::Signal;

use crate::{
    excerpt,
    experiments::{
        client::Client,
        exchange::Door,
        experiment::{Experiment, Need, Outcome, Reference, Section, Test},
        finding::Stamp,
        lab::{Run, Stopped, get, post, requests::session_me},
        message::{Body, Shown},
    },
};

/// The experiment.
pub static EXPERIMENT: Experiment = Experiment {
    id: "x11",
    title: "A restart in the middle",
    claim: "Sessions must not be kept in memory in production: a database or a Redis keeps them.",
    section: Section::Security,
    needs: &[Need::Instance],
    steps: &[
        "Log in at a private instance whose sessions are rows in Postgres.",
        "Kill it with SIGKILL, start it again on the same database, and show the same cookie.",
        "Do the same to a process that keeps its sessions in memory: a specimen, weak on purpose.",
    ],
    test: Test::Run { seconds: 6, observe: |run| Box::pin(observe(run)) },
    code: &[excerpt!(Session, "session/log_in.rs", "log_in", "diesel::insert_into(sessions::table)")],
    references: &[Reference {
        title: "express-session: the default MemoryStore is not designed for a production environment",
        url: "https://github.com/expressjs/session#readme",
    }],
    expected: Some(Stamp::Holds),
};

async fn observe(run: &mut Run) -> Result<Outcome, Stopped> {
    let rows = in_postgres(run).await?;
    let memory = in_memory(run).await?;
    run.number("the cookie after the restart, sessions in Postgres", rows, "");
    run.number("the cookie after the restart, sessions in memory", memory, "");
    Ok(match (rows, memory) {
        (200, 401) => Outcome::holds(
            "Both processes were killed and started again. Whoever was logged in with a row still was, as the row was still there. The store in \
             memory was gone, and everybody in it logged out; so would they be by every new version, and at every second \
             instance (C2).",
        ),
        (rows, 200) => Outcome::is_false(format!(
            "The session in memory outlived its process; the one in Postgres was answered {rows}."
        )),
        (rows, memory) => Outcome::is_false(format!(
            "After a restart Postgres’ session was answered {rows}, the one in memory {memory}."
        )),
    })
}

async fn in_postgres(run: &mut Run) -> Result<u16, Stopped> {
    let database = run.instance(&[]).await?;
    let mut server = database.beside(&[]).await?;
    run.moment("Another process serves the same database");
    let account = run.account_at(server.target()).await?;
    let mut browser = run.browser_of(server.target(), &account, "A row was made. The cookie only names it.").await?;
    let before = run.ask(&mut browser, Door::Session, &session_me()).await?;
    before.must_be(200)?;
    server.signal(Signal::SIGKILL)?;
    run.moment("The process is killed with SIGKILL, and started again on the same database");
    server.restart().await?;
    let mut browser = browser.at(server.target())?;
    let after = run.ask(&mut browser, Door::Session, &session_me()).await?;
    run.show(after.saying("The same cookie at the new process."));
    Ok(after.status())
}

async fn in_memory(run: &mut Run) -> Result<u16, Stopped> {
    let store = run.memory_store().await?;
    run.moment("A process that keeps its sessions in memory: a specimen, weak on purpose");
    let mut browser = Client::new(store.target(), "two-doors experiment")?;
    let seen = run.ask(&mut browser, Door::Session, &post("/login", Shown::Cookies, Body::Empty)).await?;
    seen.must_be(200)?;
    run.show(seen.saying("Specimen: logged in. The session is in a map of the process."));
    let me = get("/me", Shown::Cookies);
    run.ask(&mut browser, Door::Session, &me).await?.must_be(200)?;
    store.kill()?;
    let store = run.memory_store().await?;
    run.moment("The process is killed with SIGKILL, and started again");
    let mut browser = browser.at(store.target())?;
    let seen = run.ask(&mut browser, Door::Session, &me).await?;
    run.show(seen.saying("Specimen: the same cookie at the new process."));
    Ok(seen.status())
}

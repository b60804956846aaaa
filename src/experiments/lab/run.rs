//! One run of one experiment: what it has, what it writes down, and how it cleans up.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, macros::format_description};

use super::{Instance, Lab, Progress, Stopped};
use crate::experiments::{
    account::{Account, Removed},
    client::Target,
    credentials::Credentials,
    exchange::{Door, Exchange, Seconds},
    experiment::{Experiment, Outcome, Test},
    figure::Figure,
    finding::{Finding, Lives, Number, Row, Stamp},
    grid::Grid,
    specimens::Report,
};

/// The longest that a run may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// A run under way.
#[derive(Debug)]
pub struct Run {
    lab: Lab,
    pub(super) start: Instant,
    started_at: f64,
    pub(super) known: Credentials,
    progress: Progress,
    accounts: Vec<(Target, Account)>,
    numbers: Vec<Number>,
    figures: Vec<Figure>,
    grids: Vec<Grid>,
}

/// Runs an experiment to its end and cleans up after it. Whoever has it run tells `progress` of the finding.
pub async fn perform(experiment: &'static Experiment, lab: &Lab, progress: &Progress) -> Finding {
    let mut run = Run::begin(lab.clone(), progress.clone());
    let told = match experiment.test {
        Test::Run { observe, .. } => {
            tokio::select! {
                told = observe(&mut run) => told,
                () = tokio::time::sleep(PATIENCE) => Err(Stopped::because("it was not over within five minutes")),
                () = progress.cancelled() => Err(Stopped::because("it was cancelled")),
            }
        }
        Test::Reference { .. } => Err(Stopped::because("there is nothing to run: the entry sums up others")),
    };
    run.remove_accounts().await;
    run.into_finding(experiment, told)
}

impl Run {
    fn begin(lab: Lab, progress: Progress) -> Self {
        Self {
            lab,
            start: Instant::now(),
            started_at: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
            known: Credentials::default(),
            progress,
            accounts: Vec::new(),
            numbers: Vec::new(),
            figures: Vec::new(),
            grids: Vec::new(),
        }
    }

    /// The server that is asked.
    #[must_use]
    pub fn target(&self) -> Target {
        self.lab.target.clone()
    }

    /// Where this runs.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Seconds since the run began.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// When the run began, in seconds since 1970: tokens name their instants that way.
    #[must_use]
    pub fn started_at(&self) -> f64 {
        self.started_at
    }

    /// Makes a throwaway account at the server that is asked; it is deleted at the end of the run.
    pub async fn account(&mut self) -> Result<Account, Stopped> {
        let target = self.target();
        let account = self.account_at(&target).await?;
        self.accounts.push((target, account.clone()));
        Ok(account)
    }

    /// Makes an account at an instance that is thrown away anyway.
    pub async fn account_at(&mut self, target: &Target) -> Result<Account, Stopped> {
        let account = Account::invent();
        self.known.hide(&account.password);
        account.make(target).await?;
        Ok(account)
    }

    /// Starts an instance with throwaway data and these variables besides.
    pub async fn instance(&mut self, variables: &[(&str, &str)]) -> Result<Instance, Stopped> {
        self.moment("A private instance starts, with a database of its own");
        Instance::start(&self.lab.surroundings, variables).await
    }

    /// Makes somebody an admin of an instance, so that nobody else is its last one, whom nobody may demote.
    pub async fn another_admin(&mut self, instance: &Instance) -> Result<(), Stopped> {
        let account = self.account_at(instance.target()).await?;
        instance.command(&["user", "role", &account.email, "admin"]).await.map(drop)
    }

    /// Remembers a credential, so that it is shown shortened wherever it stands.
    pub fn learn(&mut self, credential: &str) {
        self.known.learn(credential);
    }

    /// Remembers a password, which is never shown.
    pub fn hide(&mut self, password: &str) {
        self.known.hide(password);
    }

    /// Hangs an exchange on the spine.
    pub fn show(&mut self, exchange: Exchange) {
        self.progress.add(match exchange.door {
            Door::Session => Row::session(exchange),
            Door::Token => Row::token(exchange),
        });
    }

    /// Hangs the same step at both doors on the spine, side by side.
    pub fn show_pair(&mut self, session: Exchange, token: Exchange) {
        self.progress.add(Row::pair(session, token));
    }

    /// Says what happened besides.
    pub fn moment(&mut self, text: impl Into<String>) {
        self.progress.add(Row::Moment { at: Seconds(self.now()), text: text.into() });
    }

    /// Tells what a story brings on its way.
    pub(super) fn follow(&mut self, told: &Report) {
        match told {
            Report::Progress { says, .. } => {
                self.progress.add(Row::Page { at: Seconds(self.now()), text: says.clone() });
            }
            Report::Exchange(seen) => {
                seen.credentials.iter().for_each(|credential| self.known.learn(credential));
                self.show(Exchange::witnessed(self.start, seen, &self.known));
            }
            _ => {}
        }
    }

    pub(super) fn invite(&mut self, url: &str, text: &str) {
        let at = Seconds(self.now());
        self.progress.add(Row::Invitation { at, url: url.to_owned(), text: text.to_owned() });
    }

    /// Notes a number that the verdict rests on.
    pub fn number(&mut self, label: impl Into<String>, value: impl ToString, unit: &'static str) {
        self.numbers.push(Number { label: label.into(), value: value.to_string(), unit });
    }

    /// Shows the lives that are watched, as far as they have come.
    pub fn draw(&mut self, lives: Lives) {
        self.progress.draw(lives);
    }

    /// Notes that an account of this run has another password now: it is needed to delete it.
    pub fn has_password(&mut self, account: &Account, password: &str) {
        for (_, made) in self.accounts.iter_mut().filter(|(_, made)| made.email == account.email) {
            password.clone_into(&mut made.password);
        }
    }

    /// Adds a chart.
    pub fn figure(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    /// Adds a table.
    pub fn grid(&mut self, grid: Grid) {
        self.grids.push(grid);
    }

    async fn remove_accounts(&mut self) {
        for (target, account) in std::mem::take(&mut self.accounts) {
            if let Removed::Left(why) = account.remove(&target).await {
                self.moment(format!(
                    "An account could not be deleted ({why}): the server sweeps it away within 16 minutes"
                ));
            }
        }
    }

    fn into_finding(self, experiment: &Experiment, told: Result<Outcome, Stopped>) -> Finding {
        let lacks = told.as_ref().err().and_then(|stopped| stopped.lacks);
        let Outcome { stamp, condition } = told.unwrap_or_else(|stopped| {
            tracing::info!(experiment = experiment.id, why = %stopped, "an experiment could not run");
            Outcome { stamp: Stamp::CouldNotRun, condition: stopped.why }
        });
        let clock = format_description!("[hour]:[minute]:[second] UTC, [day padding:none] [month repr:long] [year]");
        Finding {
            id: experiment.id,
            title: experiment.title,
            claim: experiment.claim,
            stamp,
            condition,
            lacks,
            measured_at: OffsetDateTime::now_utc().format(clock).unwrap_or_default(),
            took: Seconds(self.now()),
            numbers: self.numbers,
            figures: self.figures,
            grids: self.grids,
            lives: self.progress.lives(),
            rows: self.progress.rows_from(0).into_iter().map(Row::over).collect(),
        }
    }
}

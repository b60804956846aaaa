//! What is said of each comparison before it runs.

use super::{event::Event, tell};
use crate::{
    excerpt,
    experiments::{
        excerpt::{LOG_OUT, Source},
        experiment::{Experiment, Need, Section, Test},
        finding::Stamp,
    },
};

/// All comparisons, the best known event first.
pub static ALL: [&Experiment; 8] = [&LOG_OUTS, &THEFT, &PASSWORD, &BAN, &ROLE, &DATABASE, &SECOND_INSTANCE, &CLOCK];

const COPIED: &str = "Somebody logs in at both doors, and every credential is copied to a second client.";
const TRIED: &str = "The copies are tried four times a second, until all are dead.";

const ACCOUNT_ENDS: [Source; 2] = [LOG_OUT[0], LOG_OUT[1]];
const EACH_REQUEST: [Source; 2] = [LOG_OUT[2], LOG_OUT[3]];

static LOG_OUTS: Experiment = Experiment {
    id: "log-out",
    title: "Log-out",
    claim: "Log-out ends a login at once.",
    section: Section::Revocation,
    needs: &[],
    steps: &[COPIED, "The owner logs out at both doors.", TRIED],
    test: Test::Run { seconds: 9, observe: |run| Box::pin(tell(run, Event::LogOut)) },
    code: &LOG_OUT,
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

static THEFT: Experiment = Experiment {
    id: "theft",
    title: "Theft, then log-out",
    claim: "Who has stolen a credential and used it is thrown out when its owner logs out.",
    section: Section::Revocation,
    needs: &[],
    steps: &[
        COPIED,
        "The thief redeems the refresh token, and holds tokens of their own.",
        "The owner, who knows nothing of it, logs out at both doors.",
        TRIED,
    ],
    test: Test::Run { seconds: 9, observe: |run| Box::pin(tell(run, Event::Theft)) },
    code: &LOG_OUT,
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

static PASSWORD: Experiment = Experiment {
    id: "password-change",
    title: "Change of password",
    claim: "A change of password ends every other login at once.",
    section: Section::Revocation,
    needs: &[],
    steps: &[COPIED, "The owner changes the password on the site.", TRIED],
    test: Test::Run { seconds: 9, observe: |run| Box::pin(tell(run, Event::PasswordChange)) },
    code: &ACCOUNT_ENDS,
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

static BAN: Experiment = Experiment {
    id: "ban",
    title: "Ban",
    claim: "A ban shuts somebody out at once.",
    section: Section::Revocation,
    needs: &[Need::Instance],
    steps: &[COPIED, "The operator bans the account from the command line.", TRIED],
    test: Test::Run { seconds: 13, observe: |run| Box::pin(tell(run, Event::Ban)) },
    code: &EACH_REQUEST,
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

static ROLE: Experiment = Experiment {
    id: "role-change",
    title: "Change of role",
    claim: "Who is no admin any more can do nothing an admin may, at once.",
    section: Section::Revocation,
    needs: &[Need::Instance],
    steps: &[
        "An admin logs in at both doors, and every credential is copied to a second client.",
        "The operator takes the role away from the command line.",
        "The copies are asked four times a second which role they give, until none says admin.",
    ],
    test: Test::Run { seconds: 13, observe: |run| Box::pin(tell(run, Event::RoleChange)) },
    code: &EACH_REQUEST,
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

static DATABASE: Experiment = Experiment {
    id: "database-down",
    title: "The database is down",
    claim: "Without its database a server knows nobody.",
    section: Section::Scale,
    needs: &[Need::Instance],
    steps: &[COPIED, "The instance’s database is killed.", TRIED],
    test: Test::Run { seconds: 13, observe: |run| Box::pin(tell(run, Event::DatabaseDown)) },
    code: &EACH_REQUEST,
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

static SECOND_INSTANCE: Experiment = Experiment {
    id: "second-instance",
    title: "A second instance",
    claim: "What ends at one server has ended at all of them.",
    section: Section::Scale,
    needs: &[Need::Instance],
    steps: &[
        "Two instances share a database. Somebody logs in at one, at both doors, and every credential is copied.",
        "The owner logs out at the first instance.",
        "The copies are tried at the second, four times a second, until all are dead.",
    ],
    test: Test::Run { seconds: 15, observe: |run| Box::pin(tell(run, Event::SecondInstance)) },
    code: &LOG_OUT,
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

static CLOCK: Experiment = Experiment {
    id: "clock-skew",
    title: "Clocks 40 seconds apart",
    claim: "Servers whose clocks differ agree on when a login ends.",
    section: Section::Scale,
    needs: &[Need::Instance],
    steps: &[
        "An instance signs with a key that the experiment holds as well.",
        "Somebody logs in. The experiment signs the same claims as an instance would whose clock is 40 s ahead, and one whose is 40 s \
         behind.",
        "The instance is shown all three tokens and the cookie, four times a second.",
    ],
    test: Test::Run { seconds: 16, observe: |run| Box::pin(tell(run, Event::ClockSkew)) },
    code: &[excerpt!(Token, "token/access.rs", "times", "now >= self.exp")],
    references: &[],
    expected: Some(Stamp::HoldsBut),
};

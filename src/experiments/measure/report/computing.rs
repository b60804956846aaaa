//! The figures of what is computed: signatures and passwords.

use super::{Part, Source, contest, value};
use crate::experiments::{
    exchange::Door::{Session, Token},
    figure::{Bar, amount},
    measure::{
        Sample, USUAL,
        reference::RUN,
        sample::Unit,
        signatures::{Scheme, Signature},
    },
};

impl Source<'_> {
    fn signatures(&self, pick: fn(&Signature) -> &Sample, reference: fn(Scheme) -> f64) -> Vec<Bar> {
        let measured = |scheme| self.run.and_then(|run| run.signatures.iter().find(|one| one.scheme == scheme));
        let bar = |scheme: Scheme| Self::bar(scheme.name(), Token, measured(scheme).map(pick), reference(scheme));
        Scheme::ALL.map(bar).into()
    }

    pub(super) fn verify(&self) -> Part {
        let bars = self.signatures(|one| &one.verify, |scheme| RUN.verify(scheme));
        let title = es256_against_rs256("checks", &bars);
        let says = "Done at every request with a token, by every service that takes it. HS256 is the cheapest and has the dearest \
             condition: whoever can check can also sign.";
        let figure = self.figure(
            title,
            Unit::Microseconds.symbol(),
            self.n(|run| run.signatures[0].verify.n, USUAL.signatures),
            bars,
        );
        Part { id: "verify", heading: Some("Signatures"), figure, says: says.to_owned() }
    }

    pub(super) fn sign(&self) -> Part {
        let bars = self.signatures(|one| &one.sign, |scheme| RUN.sign(scheme));
        let title = es256_against_rs256("signs", &bars);
        let says = "Done once for each access token, that is every few minutes for each login. RSA is built the other way round: slow \
             to sign, fast to check.";
        let figure = self.figure(
            title,
            Unit::Microseconds.symbol(),
            self.n(|run| run.signatures[0].sign.n, USUAL.signatures),
            bars,
        );
        Part { id: "sign", heading: None, figure, says: says.to_owned() }
    }

    pub(super) fn password(&self) -> Part {
        let label = |what: &str, n: usize| format!("{what} (n = {n})");
        let (argon2, check) = ("argon2id, 19 MiB, 2 passes", "checking an ES256 token");
        let bars = match self.run {
            None => vec![
                Bar::exact(label(argon2, USUAL.passwords), None, RUN.password),
                Bar::exact(label(check, USUAL.signatures), Some(Token), RUN.verify(Scheme::Es256) / 1e3),
            ],
            Some(run) => {
                let (request, token) = (&run.doors.session.round_trip, &run.signatures[Scheme::Es256 as usize].verify);
                vec![
                    run.password.bar(label(argon2, run.password.n), None).beside(Some(RUN.password)),
                    in_milliseconds(request.bar(label("a whole request with a session", request.n), Some(Session))),
                    in_milliseconds(token.bar(label(check, token.n), Some(Token))),
                ]
            }
        };
        let checks = amount((bars[0].value / bars[bars.len() - 1].value).round());
        let title = format!("One password costs as much as {checks} checks of an ES256 token");
        let says = "Log-in is the dear part of either scheme, on purpose: who steals the table of hashes has to pay it for every guess. That is why \
             nobody sends the password with every request.";
        Part {
            id: "password",
            heading: Some("Passwords"),
            figure: self.figure(title, Unit::Milliseconds.symbol(), 1, bars),
            says: says.to_owned(),
        }
    }
}

fn in_milliseconds(bar: Bar) -> Bar {
    Bar { value: bar.value / 1e3, low: bar.low / 1e3, high: bar.high / 1e3, ..bar }
}

fn es256_against_rs256(verb: &str, bars: &[Bar]) -> String {
    let of = |scheme: Scheme| value(bars, scheme.name());
    contest(verb, ("ES256", of(Scheme::Es256)), ("RS256 with 2048 bits", of(Scheme::Rs256With2048)))
}

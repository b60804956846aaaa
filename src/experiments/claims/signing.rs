//! Instances that sign with one algorithm or another.

use crate::experiments::lab::{Instance, Run, Stopped};

/// Starts an instance beside another one, on its database, that signs with this algorithm from its first token on.
pub(super) async fn beside(
    run: &mut Run,
    instance: &Instance,
    algorithm: &str,
    variables: &[(&str, &str)],
) -> Result<Instance, Stopped> {
    let mut other = instance.beside(&[&[("TOKEN_ALGORITHM", algorithm)], variables].concat()).await?;
    // The start made a key that is announced for some seconds before it signs: this one signs at once, and a start reads it.
    other.command(&["keys", "rotate", "--in", "0s"]).await?;
    other.restart().await?;
    run.moment(format!("An instance that signs with {algorithm}"));
    Ok(other)
}

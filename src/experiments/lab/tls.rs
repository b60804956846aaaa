//! Both ends of TLS, for a run that listens in on it: a certificate that is made for it, and a client that trusts no other.
//!
//! The doors speak no TLS themselves, a proxy does. These ends have what browsers and proxies have: TLS 1.3 or 1.2, a certificate
//! that is checked, and the cryptography that signs our tokens.

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::Stopped;

/// The name in the certificate.
pub(super) const NAME: &str = "localhost";

/// The server's end and the client's.
pub(super) fn ends() -> Result<(TlsAcceptor, TlsConnector), Stopped> {
    let failed = |why: &dyn std::fmt::Display| Stopped::because(format!("no TLS could be made for this run: {why}"));
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![NAME.to_owned()]).map_err(|error| failed(&error))?;
    let certificate: CertificateDer<'static> = cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate.clone()], key))
        .map_err(|error| failed(&error))?;
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate).map_err(|error| failed(&error))?;
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok((TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client))))
}

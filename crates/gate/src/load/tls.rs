//! TLS towards the candidate: the system's roots, roots of a file, or no check at all where that is asked for.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::Error;

/// Whom to trust.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trust {
    /// Roots of this PEM file instead of the system's.
    pub roots: Option<std::path::PathBuf>,
    /// Any certificate will do: for candidates with one of their own making.
    pub anyone: bool,
}

impl Trust {
    /// A connector that offers this protocol (ALPN).
    pub fn connector(&self, http2: bool) -> Result<TlsConnector, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Usage(format!("TLS: {error}")))?;
        let mut config = if self.anyone {
            let verifier = Arc::new(Anyone(provider));
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        } else {
            let roots = match &self.roots {
                Some(file) => from_file(file)?,
                None => from_system()?,
            };
            builder.with_root_certificates(roots).with_no_client_auth()
        };
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn from_file(file: &Path) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let unreadable = |error: &dyn std::fmt::Display| Error::Input {
        path: file.to_owned(),
        why: format!("no certificates in PEM form: {error}"),
    };
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        store.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if store.is_empty() {
        return Err(unreadable(&"the file holds none"));
    }
    Ok(store)
}

fn from_system() -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(Error::Usage(
            "this system has no root certificates; name a file with --cacert".to_owned(),
        ));
    }
    Ok(store)
}

/// Accepts any certificate; signatures are still checked, so that the connection is what it says.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

//! Whom the generator trusts over TLS: the machine's own authorities, one more of the study's, or anybody.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::NoAnswer;
use crate::LoadError;

/// Whom to trust.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// The authorities that this machine knows.
    #[default]
    Machine,
    /// Those, and the certificates of a PEM text.
    Also {
        /// Where the text is from, for messages.
        file: String,
        /// The text.
        pem: String,
    },
    /// Anybody: names and dates are not checked, signatures are.
    Anybody,
}

impl Trust {
    /// A client's settings. HTTP/2 is the only protocol offered where it is asked for, HTTP/1.1 else.
    ///
    /// # Errors
    /// [`LoadError::Certificate`] where the PEM text holds no certificate.
    pub fn client(&self, http2: bool) -> Result<Arc<ClientConfig>, LoadError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| LoadError::Certificate { file: String::new(), reason: error.to_string() })?;
        let mut config = match self {
            Self::Anybody => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAnybody(provider))).with_no_client_auth()
            }
            Self::Machine => builder.with_root_certificates(machine_roots()).with_no_client_auth(),
            Self::Also { file, pem } => {
                let mut roots = machine_roots();
                add(&mut roots, file, pem)?;
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Ok(Arc::new(config))
    }
}

/// Gives clients of reqwest what they compute with; it panics without.
pub fn provide() {
    // Where another one was given already, that one serves.
    let _ = ring::default_provider().install_default();
}

/// What a failed handshake says, with what can be done about it.
pub fn handshake_failed(error: &std::io::Error) -> NoAnswer {
    let reason = error.to_string();
    let certificate = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let advice = match certificate {
        Some(rustls::Error::InvalidCertificate(_)) => "; trust its authority by `ca`, or nobody's by `insecure`",
        Some(rustls::Error::NoApplicationProtocol) => "; the target does not speak this version of HTTP",
        _ => "",
    };
    NoAnswer::new("tls", format!("{reason}{advice}"))
}

fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // A machine without a store trusts nobody, and each handshake then says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn add(roots: &mut RootCertStore, file: &str, pem: &str) -> Result<(), LoadError> {
    let bad = |reason: String| LoadError::Certificate { file: file.to_owned(), reason };
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(|error| bad(error.to_string()))?).map_err(|error| bad(error.to_string()))?;
        found += 1;
    }
    if found == 0 { Err(bad("it holds no certificate in PEM form".to_owned())) } else { Ok(()) }
}

/// Accepts any certificate, for targets of one's own whose certificate nobody has signed.
#[derive(Debug)]
struct AcceptAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnybody {
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
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

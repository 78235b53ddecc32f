//! Who may connect, and over what.

use async_trait::async_trait;
use datafusion_postgres::pgwire::api::auth::sasl::scram::{
    SCRAM_ITERATIONS, ScramAuth, gen_salted_password, random_nonce,
};
use datafusion_postgres::pgwire::api::auth::sasl::{SASLState, SCRAM_SHA_256_METHOD};
use datafusion_postgres::pgwire::api::auth::{
    AuthSource, LoginInfo, Password, protocol_negotiation, save_startup_parameters_to_metadata,
};
use datafusion_postgres::pgwire::api::{ClientInfo, PgWireConnectionState};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::startup::{Authentication, PasswordMessageFamily};
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use futures::{Sink, SinkExt};
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What of a file of users, a certificate or a key is at fault.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// It cannot be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A line of the file of users.
    #[error("{path}, line {line}: {found}; expected `name:password`, one user a line")]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// What is there.
        found: &'static str,
    },
    /// The file of users has none.
    #[error("`{0}` has no users; expected `name:password`, one a line")]
    NoUsers(PathBuf),
    /// Others can read the passwords.
    #[error("others can read `{0}`, and with it the passwords: `chmod 600` it")]
    Open(PathBuf),
    /// A certificate or a key.
    #[error("`{path}` has no {expected} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should have.
        expected: &'static str,
    },
    /// They do not go together.
    #[error("`{certificate}` and `{key}` do not go together: {why}")]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Names and passwords.
#[derive(Clone)]
pub struct Users(BTreeMap<String, String>);

impl Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Users").field(&self.0.keys()).finish()
    }
}

impl Users {
    /// Reads lines of `name:password`. Empty lines and those that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the file cannot be read, others can read it, or a line is no user.
    pub fn read(path: &Path) -> Result<Self, AccessError> {
        let broken = |source| AccessError::Read { path: path.to_owned(), source };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if std::fs::metadata(path).map_err(broken)?.permissions().mode() & 0o077 != 0 {
                return Err(AccessError::Open(path.to_owned()));
            }
        }
        let text = std::fs::read_to_string(path).map_err(broken)?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, AccessError> {
        let mut users = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |found| AccessError::Line { path: path.to_owned(), line: at + 1, found };
            let (name, password) = line.split_once(':').ok_or_else(|| fault("no colon"))?;
            if name.trim().is_empty() {
                return Err(fault("no name"));
            }
            if password.is_empty() {
                return Err(fault("no password"));
            }
            if users.insert(name.trim().to_owned(), password.to_owned()).is_some() {
                return Err(fault("a name that was there before"));
            }
        }
        if users.is_empty() {
            return Err(AccessError::NoUsers(path.to_owned()));
        }
        Ok(Self(users))
    }

    /// Whether this is the password of the user `name`. It takes as long whichever byte differs.
    pub(crate) fn knows(&self, name: &str, password: &str) -> bool {
        let known = self.0.get(name).map_or("", String::as_str);
        let differs = known.bytes().zip(password.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        !known.is_empty() && known.len() == password.len() && differs == 0
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait's lifetimes are such")]
#[async_trait]
impl AuthSource for Users {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        // Whoever is not known is asked like the others, so that nobody learns who is.
        let password = login.user().and_then(|name| self.0.get(name)).cloned();
        let password = password.unwrap_or_else(random_nonce);
        let salt = random_nonce().into_bytes();
        let salted = gen_salted_password(&password, &salt, SCRAM_ITERATIONS);
        Ok(Password::new(Some(salt), salted))
    }
}

/// What is known of a client after a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proven {
    /// It must say more.
    NotYet,
    /// It may come in.
    Yes,
}

/// Takes a client at its word.
pub(crate) async fn believe<C>(
    client: &mut C,
    message: PgWireFrontendMessage,
) -> PgWireResult<Proven>
where
    C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
    C::Error: Debug,
    PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
{
    let PgWireFrontendMessage::Startup(startup) = message else { return Ok(Proven::NotYet) };
    protocol_negotiation(client, &startup).await?;
    save_startup_parameters_to_metadata(client, &startup);
    Ok(Proven::Yes)
}

/// Asks a client for a password, by SCRAM-SHA-256.
pub(crate) struct Login {
    scram: ScramAuth,
    state: Mutex<SASLState>,
}

impl Login {
    /// One of a client, who must be among `users`.
    pub(crate) fn new(users: &Users) -> Self {
        let scram = ScramAuth::new(Arc::new(users.clone()));
        Self { scram, state: Mutex::new(SASLState::Initial) }
    }

    /// Answers the next message.
    pub(crate) async fn answer<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<Proven>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let mut message = match message {
            PgWireFrontendMessage::Startup(startup) => {
                protocol_negotiation(client, &startup).await?;
                save_startup_parameters_to_metadata(client, &startup);
                client.set_state(PgWireConnectionState::AuthenticationInProgress);
                let methods = Authentication::SASL(vec![SCRAM_SHA_256_METHOD.to_owned()]);
                client.send(PgWireBackendMessage::Authentication(methods)).await?;
                return Ok(Proven::NotYet);
            }
            PgWireFrontendMessage::PasswordMessageFamily(message) => message,
            _ => return Ok(Proven::NotYet),
        };
        let mut state = self.state.lock().await;
        if matches!(*state, SASLState::Initial) {
            let first = message.into_sasl_initial_response()?;
            if first.auth_method != SCRAM_SHA_256_METHOD {
                return Err(PgWireError::UnsupportedSASLAuthMethod(first.auth_method));
            }
            message = PasswordMessageFamily::SASLInitialResponse(first);
            *state = SASLState::ScramClientFirstReceived;
        }
        let (answer, next) = self.scram.process_scram_message(client, message, &state).await?;
        client.send(PgWireBackendMessage::Authentication(answer)).await?;
        *state = next;
        Ok(if matches!(*state, SASLState::Finished) { Proven::Yes } else { Proven::NotYet })
    }
}

/// Reads a certificate, with those that it is signed by, and its key.
///
/// # Errors
///
/// [`AccessError`] if a file cannot be read or is none, or they do not go together.
pub fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor, AccessError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| AccessError::Read { path: path.to_owned(), source })
    };
    let pem = |path: &Path, expected| AccessError::Pem { path: path.to_owned(), expected };
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|_| pem(certificate, "certificate"))?;
    if certificates.is_empty() {
        return Err(pem(certificate, "certificate"));
    }
    let of_key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| pem(key, "private key"))?;
    let pair = |error: tokio_rustls::rustls::Error| AccessError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        why: error.to_string(),
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(certificates, of_key)
        .map_err(pair)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match Users::parse(text, Path::new("users")) {
            Ok(users) => format!("{users:?}"),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn users_are_lines_of_name_and_password() {
        check("# those who may\n\nada:a:b c\r\nbob:x\n", r#"["ada", "bob"]"#);
        let users = Users::parse("ada:a:b c\r\n", Path::new("users")).expect("a user");
        assert_eq!(users.0["ada"], "a:b c");
        assert!(users.knows("ada", "a:b c"));
        for (name, password) in
            [("ada", "a:b d"), ("ada", "a:b"), ("ada", ""), ("bob", "a:b c"), ("", "")]
        {
            assert!(!users.knows(name, password), "{name}:{password}");
        }
    }

    #[test]
    fn other_lines_are_named() {
        check("ada\n", "users, line 1: no colon; expected `name:password`");
        check("ada:x\n:y\n", "line 2: no name");
        check("ada:\n", "line 1: no password");
        check("ada:x\nada:y\n", "line 2: a name that was there before");
        check("# none\n", "has no users");
    }

    #[test]
    fn passwords_are_not_printed() {
        let users = Users::parse("ada:secret\n", Path::new("users")).expect("a user");
        assert!(!format!("{users:?}").contains("secret"));
    }
}

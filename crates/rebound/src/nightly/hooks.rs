//! Telling a program or a URL what a night came to.

use project::nightly::Hook;
use serde::Serialize;
use std::io::Write;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long is waited for whoever is told.
const LIMIT: Duration = Duration::from_secs(30);

/// Why somebody could not be told.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The program cannot be started.
    #[error("failed to start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// It failed.
    #[error("`{program}` failed: {status}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It did not end.
    #[error("`{program}` did not end within {seconds} s and was killed")]
    NotEnded {
        /// The program.
        program: String,
        /// How long it was given.
        seconds: u64,
    },
    /// The URL did not answer.
    #[error("failed to reach `{host}`")]
    Unreached {
        /// The host; all of a URL may be a secret.
        host: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// It answered something else than that all is well.
    #[error("`{host}` answered with status {status}, expected 200 to 299")]
    Refused {
        /// The host.
        host: String,
        /// The status.
        status: u16,
    },
}

/// Who was told, and whether that went well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// `on_success` or `on_failure`.
    pub hook: &'static str,
    /// The program, or the host of the URL.
    pub to: String,
    /// Why it could not be told.
    pub error: Option<String>,
}

/// The program that is told, or the host of the URL: the rest may be a secret.
pub fn host_of(hook: &Hook) -> String {
    match hook {
        Hook::Command(words) => words.first().cloned().unwrap_or_default(),
        Hook::Webhook(url) => {
            let host = reqwest::Url::parse(url).ok();
            let host = host.as_ref().and_then(|url| url.host_str());
            host.unwrap_or("a URL without a host").to_owned()
        }
    }
}

/// Tells `json`.
///
/// # Errors
///
/// [`HookError`].
pub fn tell(runtime: &Runtime, hook: &Hook, json: &str) -> Result<(), HookError> {
    match hook {
        Hook::Command(words) => start(words, json, LIMIT),
        Hook::Webhook(url) => runtime.block_on(post(url, host_of(hook), json.to_owned())),
    }
}

/// Starts a program that reads `json` from its standard input. What it writes goes to standard error,
/// as standard output is for results.
fn start(words: &[String], json: &str, limit: Duration) -> Result<(), HookError> {
    let (program, arguments) = words.split_first().map_or(("", &[][..]), |(p, a)| (p.as_str(), a));
    let unstarted = |source| HookError::Start { program: program.to_owned(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::from(std::io::stderr()))
        .spawn()
        .map_err(unstarted)?;
    let since = Instant::now();
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read must not hold this one up, and may end before it was told all.
        let json = json.to_owned();
        let write = move || {
            let _ = stdin.write_all(json.as_bytes());
        };
        std::thread::Builder::new().spawn(write).map_err(unstarted)?;
    }
    loop {
        match child.try_wait().map_err(unstarted)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(HookError::Failed { program: program.to_owned(), status }),
            None if since.elapsed() >= limit => {
                // It may have ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                let seconds = limit.as_secs();
                return Err(HookError::NotEnded { program: program.to_owned(), seconds });
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Posts `json`.
async fn post(url: &str, host: String, json: String) -> Result<(), HookError> {
    let answer = async {
        let client = reqwest::Client::builder()
            .timeout(LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("rebound/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let request = client.post(url).header("content-type", "application/json");
        request.body(json).send().await
    };
    match answer.await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(HookError::Refused { host, status: answer.status().as_u16() }),
        Err(error) => Err(HookError::Unreached { host, source: error.without_url() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[cfg(unix)]
    #[test]
    fn a_program_reads_the_json_and_its_end_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("told");
        let limit = Duration::from_secs(20);
        let path_text = path.display().to_string();
        start(&words(&["tee", &path_text]), "{\"a\": 1}", limit).expect("told");
        assert_eq!(std::fs::read_to_string(path).expect("there"), "{\"a\": 1}");
        let error = start(&words(&["false"]), "{}", limit).expect_err("it fails");
        assert!(error.to_string().contains("`false` failed: exit status: 1"), "{error}");
        let error = start(&words(&["/no/such"]), "{}", limit).expect_err("not there");
        assert!(matches!(error, HookError::Start { .. }), "{error:?}");
        // More than a pipe holds.
        start(&words(&["true"]), &"x".repeat(1 << 20), limit).expect("it need not read");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let since = Instant::now();
        let error = start(&words(&["sleep", "60"]), "{}", Duration::from_millis(50));
        assert!(matches!(error, Err(HookError::NotEnded { .. })), "{error:?}");
        assert!(since.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_url_is_told_by_its_host_alone() {
        let of = |url: &str| host_of(&Hook::Webhook(url.to_owned()));
        assert_eq!(of("https://hooks.example.org:8443/secret?key=1"), "hooks.example.org");
        assert_eq!(of("http://"), "a URL without a host");
        assert_eq!(host_of(&Hook::Command(words(&["./notify", "secret"]))), "./notify");
    }
}

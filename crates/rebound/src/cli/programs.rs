//! How this program was called, and programs beside it, which it becomes where they are asked for.

use super::failure::UsersError;
use std::ffi::OsString;
use std::path::PathBuf;

/// The SQL server, a program of its own.
const SERVER: &str = "rebound-serve";

/// The cluster's parts and its client, a program of its own.
const CLUSTER: &str = "rebound-cluster";

/// The command line, for records: what is no UTF-8 in it only looks like what it is.
pub(super) fn command_line() -> String {
    let words: Vec<_> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    words.join(" ")
}

/// Becomes another program; comes back only if that fails.
fn hand_over(program: &str, what: &str, builder: &str, args: &[OsString]) -> anyhow::Error {
    let beside = std::env::current_exe().ok().map(|path| path.with_file_name(program));
    let found = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(program));
    let mut command = std::process::Command::new(found);
    command.args(args);
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    };
    if error.kind() == std::io::ErrorKind::NotFound {
        return UsersError(format!(
            "{what} is a program of its own, `{program}`, and neither beside this one nor on the PATH: \
             `{builder}` builds it"
        ))
        .into();
    }
    anyhow::Error::new(error).context(format!("failed to start `{program}`"))
}

/// Becomes the SQL server; comes back only if that fails.
pub(super) fn serve(args: &[OsString]) -> anyhow::Error {
    hand_over(SERVER, "the SQL server", "make build-serve", args)
}

/// Becomes a part of a cluster; comes back only if that fails.
pub(super) fn cluster(args: &[OsString]) -> anyhow::Error {
    let args: Vec<OsString> =
        [OsString::from("cluster")].into_iter().chain(args.iter().cloned()).collect();
    hand_over(CLUSTER, "the cluster", "make build-cluster", &args)
}

/// Becomes the program that has the cluster's client in it, for the same command line; comes back
/// only if that fails.
pub(super) fn cluster_client() -> anyhow::Error {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    hand_over(CLUSTER, "the cluster's client", "make build-cluster", &args)
}

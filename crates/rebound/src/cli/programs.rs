//! How this program was called, and programs beside it, which it becomes where they are asked for.

use super::failure::UsersError;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The SQL server, a program of its own.
const SERVER: &str = "rebound-serve";

/// The cluster's parts and its client, a program of its own.
const CLUSTER: &str = "rebound-cluster";

/// The arguments, the program's name first.
static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// Takes the arguments that this program was called with: where Python starts it, those of the process
/// are the interpreter's. Only the first are taken.
pub(super) fn take_arguments(arguments: &[OsString]) {
    ARGUMENTS.get_or_init(|| arguments.to_vec());
}

/// The arguments, the program's name first.
fn arguments() -> &'static [OsString] {
    ARGUMENTS.get_or_init(|| std::env::args_os().collect())
}

/// The command line, for records: what is no UTF-8 in it only looks like what it is.
pub(super) fn command_line() -> String {
    let words: Vec<_> = arguments().iter().map(|word| word.to_string_lossy()).collect();
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
             `{builder}` in the folder of Rebound's sources builds it; the Python package comes without it"
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
    let args: Vec<OsString> = arguments().iter().skip(1).cloned().collect();
    hand_over(CLUSTER, "the cluster's client", "make build-cluster", &args)
}

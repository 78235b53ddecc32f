//! What goes wrong and may have passed when the same is tried again.

use crate::error::LakeError;
use crate::remote::{RemoteError, RemoteFault, is_refused};
use std::error::Error;

/// Whether an error or one of its causes is of a store that did not answer, of another program at
/// work in the lake, or of a remote file that is being written.
pub fn may_pass(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(passes)
}

fn passes(cause: &(dyn Error + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<LakeError>() {
        return matches!(
            error,
            LakeError::Conflict(_) | LakeError::Collecting { .. } | LakeError::Lease { .. }
        );
    }
    if let Some(error) = cause.downcast_ref::<RemoteError>() {
        return !error.is_users() || matches!(error.source, RemoteFault::Changed { .. });
    }
    match cause.downcast_ref::<object_store::Error>() {
        Some(error @ object_store::Error::Generic { .. }) => !is_refused(error),
        Some(object_store::Error::JoinError { .. }) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(source: object_store::Error) -> LakeError {
        LakeError::Store { path: "catalog.json".to_owned(), source }
    }

    fn generic(text: &'static str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn a_store_that_does_not_answer_may_pass() {
        let denied = || object_store::Error::PermissionDenied {
            path: "catalog.json".to_owned(),
            source: "no key".into(),
        };
        for (error, expected) in [
            (store(generic("connection reset")), true),
            (store(generic("Server returned non-2xx status code: 503 Slow Down")), true),
            (store(generic("Server returned non-2xx status code: 429 Too Many")), true),
            (store(generic("Server returned non-2xx status code: 404 NoSuchBucket")), false),
            (store(denied()), false),
            (LakeError::Conflict("lake".to_owned()), true),
            (LakeError::Lease { path: "leases/x.json".to_owned() }, true),
            (LakeError::Url("ftp://x".to_owned()), false),
            (LakeError::NoFile { path: "catalog.json".to_owned() }, false),
        ] {
            assert_eq!(may_pass(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn a_cause_counts() {
        let source = parquet::errors::ParquetError::External(Box::new(generic("timed out")));
        assert!(may_pass(&LakeError::Parquet { table: "trade.product".to_owned(), source }));
        let remote = |source| RemoteError { url: "s3://bucket/a.csv".to_owned(), source };
        assert!(may_pass(&remote(RemoteFault::Store(generic("timed out")))));
        let (before, found) = ("1 a".to_owned(), "2 b".to_owned());
        assert!(may_pass(&remote(RemoteFault::Changed { before, found })), "it is being written");
        assert!(!may_pass(&remote(RemoteFault::Url)));
    }
}

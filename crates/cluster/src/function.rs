//! The SQL function that does a piece of work: what makes Ballista's executors Rebound's.

use datafusion::arrow::array::{ArrayRef, AsArray, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::{Arc, OnceLock};

/// Its name.
pub(crate) const NAME: &str = "rebound_perform";

/// Where this executor is, for errors.
pub(crate) static PLACE: OnceLock<String> = OnceLock::new();

/// `rebound_perform(task)`: the answer of [`rebound::worker::perform`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct Perform {
    signature: Signature,
}

/// The function.
pub(crate) fn perform() -> Arc<ScalarUDF> {
    // Volatile: a planner must not call it.
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Volatile);
    Arc::new(ScalarUDF::new_from_impl(Perform { signature }))
}

impl ScalarUDFImpl for Perform {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [tasks] = &arrays[..] else { return exec_err!("{NAME} takes one text") };
        let answers: StringArray = tasks
            .as_string::<i32>()
            .iter()
            .map(|task| task.map(apart).transpose())
            .collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(Arc::new(answers) as ArrayRef))
    }
}

/// Performs a task on a thread of its own: it has a runtime, which may not wait within another.
fn apart(task: &str) -> Result<String> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            rebound::worker::perform(task, PLACE.get().map_or("unnamed", String::as_str))
        });
        thread.join().or_else(|_| exec_err!("the work stopped by a fault of the program"))
    })
}

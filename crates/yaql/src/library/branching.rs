//! Conditional functions.

use crate::call::Call;
use crate::error::Result;
use crate::function::{ANY, Function, INT, LAMBDA, LAZY_RULE, function, method, p};
use crate::iterate;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "#operator_and",
        &[p("left", LAMBDA), p("right", LAMBDA)],
        |call| either(call, false),
    ),
    function(
        "#operator_or",
        &[p("left", LAMBDA), p("right", LAMBDA)],
        |call| either(call, true),
    ),
    function("#unary_operator_not", &[p("arg", ANY)], |call| {
        Ok(Value::Bool(!call.value(0).truth()))
    }),
    function("switch", &[], switch).rest(LAZY_RULE).rules(),
    function("selectCase", &[], select_case).rest(LAMBDA),
    function("selectAllCases", &[], select_all_cases).rest(LAMBDA),
    function("examine", &[], examine).rest(LAMBDA),
    method("switchCase", &[p("case", INT)], switch_case).rest(LAMBDA),
    function("coalesce", &[], coalesce).rest(LAMBDA),
];

/// Returns the left value if it has this truth. Otherwise evaluates and returns the right one.
fn either(call: &mut Call, truth: bool) -> Result<Value> {
    let left = call.lambda(0)?.call(call.machine, &[])?;
    if left.truth() == truth {
        Ok(left)
    } else {
        call.lambda(1)?.call(call.machine, &[])
    }
}

fn switch(call: &mut Call) -> Result<Value> {
    for (condition, value) in call.rest_rules() {
        if condition.call_in(call.machine, &call.context)?.truth() {
            return value.call_in(call.machine, &call.context);
        }
    }
    Ok(Value::Null)
}

fn select_case(call: &mut Call) -> Result<Value> {
    let cases = call.rest_lambdas();
    for (index, case) in cases.iter().enumerate() {
        if case.call(call.machine, &[])?.truth() {
            return Ok(Value::count(index));
        }
    }
    Ok(Value::count(cases.len()))
}

fn select_all_cases(call: &mut Call) -> Result<Value> {
    let mut cases = call.rest_lambdas().into_iter().enumerate();
    iterate::iter([call.context.depth()], move |machine| {
        for (index, case) in cases.by_ref() {
            if case.call(machine, &[])?.truth() {
                return Ok(Some(Value::count(index)));
            }
        }
        Ok(None)
    })
}

fn examine(call: &mut Call) -> Result<Value> {
    let mut cases = call.rest_lambdas().into_iter();
    iterate::iter([call.context.depth()], move |machine| match cases.next() {
        Some(case) => Ok(Some(Value::Bool(case.call(machine, &[])?.truth()))),
        None => Ok(None),
    })
}

fn switch_case(call: &mut Call) -> Result<Value> {
    let cases = call.rest_lambdas();
    let chosen = usize::try_from(call.int(0)?)
        .ok()
        .and_then(|index| cases.get(index))
        .or(cases.last());
    chosen.map_or(Ok(Value::Null), |case| case.call(call.machine, &[]))
}

fn coalesce(call: &mut Call) -> Result<Value> {
    for candidate in call.rest_lambdas() {
        let value = candidate.call(call.machine, &[])?;
        if !matches!(value, Value::Null) {
            return Ok(value);
        }
    }
    Ok(Value::Null)
}

//! Arguments of functions, methods and filters, by position and by name.

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, Value};

/// Returns the positional arguments and the named ones.
pub(crate) fn split(args: &[Value]) -> (&[Value], Vec<(String, Value)>) {
    match args.split_last() {
        Some((last, positional)) if last.is_kwargs() => {
            let named = Kwargs::try_from(last.clone()).map(|named| {
                let value = |name: &str| named.peek::<Value>(name).unwrap_or_default();
                named
                    .args()
                    .map(|name| (name.to_owned(), value(name)))
                    .collect()
            });
            (positional, named.unwrap_or_default())
        }
        _ => (args, Vec::new()),
    }
}

/// Returns the values of parameters with these names; an error for arguments that none of them takes.
pub(crate) fn bind<const N: usize>(
    what: &str,
    args: &[Value],
    names: [&str; N],
) -> Result<[Option<Value>; N], Error> {
    let (positional, named) = split(args);
    if positional.len() > N {
        let message = format!("{what}: at most {N} arguments, not {}", positional.len());
        return Err(Error::new(ErrorKind::TooManyArguments, message));
    }
    let mut bound = std::array::from_fn(|at| positional.get(at).cloned());
    for (name, value) in named {
        let at = names.iter().position(|known| *known == name);
        match at.and_then(|at| bound.get_mut(at)) {
            Some(place @ None) => *place = Some(value),
            Some(Some(_)) => {
                let message = format!("{what}: argument \"{name}\" is given twice");
                return Err(Error::new(ErrorKind::TooManyArguments, message));
            }
            None => {
                let message = format!("{what}: unknown argument \"{name}\"");
                return Err(Error::new(ErrorKind::TooManyArguments, message));
            }
        }
    }
    Ok(bound)
}

//! Contexts: variables and functions by name.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::error::Result;
use super::syntax::Expr;
use super::value::{Value, around};

/// One layer of names over others. Each call has its own layer, so a name that it sets is visible only
/// in the expressions that it evaluates, and on the right side of `->`.
#[derive(Clone)]
pub(super) struct Context(Rc<Layer>);

struct Layer {
    under: Option<Context>,
    values: RefCell<Vec<(Arc<str>, Value)>>,
    functions: RefCell<Vec<(Arc<str>, Body)>>,
    depth: Cell<u32>,
}

/// The body of a function that an expression defines.
#[derive(Clone)]
pub(super) enum Body {
    Expr(Arc<Expr>),
    Value(Value),
}

impl Context {
    pub fn new(data: Value) -> Result<Self> {
        let context = Context(Rc::new(Layer {
            under: None,
            values: RefCell::default(),
            functions: RefCell::default(),
            depth: Cell::new(1),
        }));
        context.set("1".into(), data)?;
        Ok(context)
    }

    pub fn child(&self) -> Result<Self> {
        Ok(Context(Rc::new(Layer {
            under: Some(self.clone()),
            values: RefCell::default(),
            functions: RefCell::default(),
            depth: Cell::new(around([self.depth()])?),
        })))
    }

    pub fn depth(&self) -> u32 {
        self.0.depth.get()
    }

    pub fn is(&self, other: &Context) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Sets `$name`, written without the dollar.
    pub fn set(&self, name: Arc<str>, value: Value) -> Result<()> {
        self.0.depth.set(self.depth().max(around([value.depth()])?));
        let mut values = self.0.values.borrow_mut();
        match values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => values.push((name, value)),
        }
        Ok(())
    }

    /// Returns the value of `$name`, or null.
    pub fn get(&self, name: &str) -> Value {
        let mut layer = Some(self);
        while let Some(context) = layer {
            if let Some((_, value)) = context
                .0
                .values
                .borrow()
                .iter()
                .find(|(known, _)| **known == *name)
            {
                return value.clone();
            }
            layer = context.0.under.as_ref();
        }
        Value::Null
    }

    pub fn define(&self, name: Arc<str>, body: Body) {
        self.0.functions.borrow_mut().push((name, body));
    }

    /// The functions of this name that expressions defined, by layer, nearest first.
    pub fn functions(&self, name: &str) -> Vec<(Context, Vec<Body>)> {
        let mut found = Vec::new();
        let mut layer = Some(self);
        while let Some(context) = layer {
            let functions = context.0.functions.borrow();
            if !functions.is_empty() {
                let bodies: Vec<Body> = functions
                    .iter()
                    .filter(|(known, _)| **known == *name)
                    .map(|(_, body)| body.clone())
                    .collect();
                if !bodies.is_empty() {
                    found.push((context.clone(), bodies));
                }
            }
            layer = context.0.under.as_ref();
        }
        found
    }
}

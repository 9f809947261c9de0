//! `slipway graph`.

use serde::Serialize;
use slipway_diagram::{Lanes, Tree};

use super::build;
use crate::cli::{Drawing, Global, Graph, Language};
use crate::exit::bad_input;
use crate::output::Output;
use crate::report_file::ReportFile;

/// Draws services or images.
pub fn run(args: &Graph, global: &Global, output: &Output) -> anyhow::Result<()> {
    match args {
        Graph::Services(args) => {
            let diagram = slipway_deploy::diagram(&args.services.source()?)?;
            draw(&diagram, &args.drawing, output)
        }
        Graph::Images(args) => {
            let images = build::load_images(&args.build(), global, output)?;
            images.all_rendered().map_err(bad_input)?;
            draw(&images.diagram(), &args.drawing, output)
        }
    }
}

fn draw(diagram: &impl Diagram, drawing: &Drawing, output: &Output) -> anyhow::Result<()> {
    if output.is_json() && drawing.out.is_none() {
        return output.json(diagram);
    }
    let text = match drawing.language {
        _ if output.is_json() => serde_json::to_string_pretty(diagram)? + "\n",
        Language::Svg => diagram.svg(),
        Language::Dot => diagram.dot(),
    };
    match &drawing.out {
        Some(path) => ReportFile::new("out", path)?.write(&text),
        None => {
            output.result(text.trim_end());
            Ok(())
        }
    }
}

/// A diagram in each of its languages.
trait Diagram: Serialize {
    fn svg(&self) -> String;
    fn dot(&self) -> String;
}

impl Diagram for Tree {
    fn svg(&self) -> String {
        Tree::svg(self)
    }

    fn dot(&self) -> String {
        Tree::dot(self)
    }
}

impl Diagram for Lanes {
    fn svg(&self) -> String {
        Lanes::svg(self)
    }

    fn dot(&self) -> String {
        Lanes::dot(self)
    }
}

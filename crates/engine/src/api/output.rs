//! Output of containers and of commands inside them; archives.

use std::collections::VecDeque;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::fault::Call;
use super::lines::LogCutter;
use crate::{EngineError, ExecResult, ExecSpec, LogLine, Piece, Result, TarStream};

type Chunks = BoxStream<'static, Result<LogOutput, Error>>;

/// The lines of a log. Waits for the first piece, so that a missing container is an error of the
/// call rather than of the stream.
pub(super) async fn log_lines(
    call: Call,
    mut chunks: Chunks,
) -> Result<BoxStream<'static, Result<LogLine>>> {
    let first = match chunks.next().await {
        Some(Err(error)) => return Err(call.fault(error)),
        first => first,
    };
    let chunks = stream::iter(first).chain(chunks).map(Some);
    let with_end = chunks.chain(stream::once(async { None }));
    let lines = with_end.scan(LogCutter::default(), move |cutter, piece| {
        let lines: Vec<Result<LogLine>> = match piece {
            Some(Ok(output)) => cutter.push(output).into_iter().map(Ok).collect(),
            Some(Err(error)) => vec![Err(call.fault(error))],
            None => cutter.finish().into_iter().map(Ok).collect(),
        };
        futures_util::future::ready(Some(stream::iter(lines)))
    });
    Ok(lines.flatten().boxed())
}

/// The pieces of a container's output.
pub(super) fn pieces(
    call: Call,
    output: impl Stream<Item = Result<LogOutput, Error>> + Send + 'static,
) -> BoxStream<'static, Result<Piece>> {
    let pieces = output.map(move |piece| match piece {
        Ok(LogOutput::StdErr { message }) => Ok(Piece::Err(message)),
        Ok(
            LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message },
        ) => Ok(Piece::Out(message)),
        Err(error) => Err(call.fault(error)),
    });
    pieces.boxed()
}

/// The last lines of a command's output, as far as there is room for them.
#[derive(Default)]
struct LastLines {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

/// The number of bytes that are kept of a command's output.
const KEPT: usize = 4 << 20;

impl Extend<LogLine> for LastLines {
    fn extend<I: IntoIterator<Item = LogLine>>(&mut self, lines: I) {
        for line in lines {
            self.bytes += length(&line);
            self.lines.push_back(line);
            while self.bytes > KEPT
                && let Some(oldest) = self.lines.pop_front()
            {
                self.bytes -= length(&oldest);
            }
        }
    }
}

/// An empty line takes room too.
fn length(line: &LogLine) -> usize {
    let (LogLine::Out(text) | LogLine::Err(text)) = line;
    text.len() + size_of::<LogLine>()
}

pub(super) async fn exec(
    client: &Docker,
    call: &Call,
    id: &str,
    spec: &ExecSpec,
) -> Result<ExecResult> {
    let config = ExecConfig {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        env: Some(spec.env.clone()),
        cmd: Some(spec.command.clone()),
        privileged: Some(spec.privileged),
        user: spec.user.clone(),
        ..ExecConfig::default()
    };
    let made = client.create_exec(id, config).await;
    let exec_id = made.map_err(|e| call.fault(e))?.id;
    let started = client.start_exec(&exec_id, None).await;
    let mut output = LastLines::default();
    if let StartExecResults::Attached {
        output: mut chunks, ..
    } = started.map_err(|e| call.fault(e))?
    {
        let mut cutter = LogCutter::default();
        while let Some(chunk) = chunks.next().await {
            output.extend(cutter.push(chunk.map_err(|e| call.fault(e))?));
        }
        output.extend(cutter.finish());
    }
    let ended = client.inspect_exec(&exec_id).await;
    let ended = ended.map_err(|e| call.fault(e))?;
    if ended.running.unwrap_or_default() {
        return Err(call.lost("the connection ended before the command did"));
    }
    let exit_code = ended.exit_code.ok_or_else(|| EngineError::Answer {
        action: call.action.clone(),
        message: "no exit code".to_owned(),
    })?;
    Ok(ExecResult {
        exit_code,
        output: output.lines.into(),
    })
}

/// The bytes of an archive, once the first of them are there.
pub(super) async fn archive(
    mut pieces: BoxStream<'static, Result<bytes::Bytes>>,
) -> Result<TarStream> {
    let first = match pieces.next().await {
        Some(Err(error)) => return Err(error),
        first => first,
    };
    let pieces = stream::iter(first).chain(pieces);
    Ok(pieces
        .map(|piece| piece.map_err(std::io::Error::other))
        .boxed())
}

//! Connections through `ssh`, as the docker command makes them: the docker command of the other host
//! passes its standard input and output on to the engine there.

use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::environment;
use crate::address::SshTarget;

/// The number of bytes that are kept of ssh's error messages.
const MESSAGE: u64 = 2048;

/// Variables that ssh needs beside those that every child gets.
const VARIABLES: [&str; 5] = [
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
    "DISPLAY",
    "KRB5CCNAME",
];

/// A running `ssh`. It ends with the connection.
pub(super) struct SshStream {
    _child: Child,
    input: ChildStdin,
    output: ChildStdout,
    message: Arc<Mutex<String>>,
    has_read: bool,
}

/// Starts `ssh`. That it cannot connect shows when the connection is read.
pub(super) fn connect(target: &SshTarget) -> std::io::Result<SshStream> {
    let mut command = Command::new("ssh");
    environment::clear_all_but(&mut command, &VARIABLES);
    let child = command
        .args(arguments(target))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(|why| std::io::Error::other(format!("cannot run ssh: {why}")))?;
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(std::io::Error::other("ssh has no standard streams"));
    };
    let message = Arc::new(Mutex::new(String::new()));
    tokio::spawn({
        let message = Arc::clone(&message);
        async move {
            let mut text = Vec::new();
            let mut errors = errors.take(MESSAGE);
            let mut buffer = [0; 512];
            while let Ok(count @ 1..) = errors.read(&mut buffer).await {
                text.extend_from_slice(&buffer[..count]);
                let shown = String::from_utf8_lossy(&text).trim().to_owned();
                *message.lock().unwrap_or_else(PoisonError::into_inner) = shown;
            }
        }
    });
    Ok(SshStream {
        _child: child,
        input,
        output,
        message,
        has_read: false,
    })
}

fn arguments(target: &SshTarget) -> Vec<String> {
    let mut arguments = Vec::new();
    for (option, value) in [
        ("-l", target.user.clone()),
        ("-p", target.port.map(|port| port.to_string())),
        ("-o", Some("ConnectTimeout=30".to_owned())),
    ] {
        if let Some(value) = value {
            arguments.extend([option.to_owned(), value]);
        }
    }
    arguments.extend(["-T", "--", &target.host, "docker"].map(str::to_owned));
    if let Some(socket) = &target.socket {
        arguments.extend(["--host".to_owned(), format!("unix://{socket}")]);
    }
    arguments.extend(["system", "dial-stdio"].map(str::to_owned));
    arguments
}

impl AsyncRead for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.output).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = &polled {
            let is_end = buffer.filled().len() == before;
            if is_end && !self.has_read {
                let message = self.message.lock().unwrap_or_else(PoisonError::into_inner);
                let message = match message.as_str() {
                    "" => "ssh ended without a word".to_owned(),
                    message => format!("ssh: {message}"),
                };
                return Poll::Ready(Err(std::io::Error::other(message)));
            }
            self.has_read = true;
        }
        polled
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    #[test]
    fn ssh_is_called_as_docker_calls_it() {
        let arguments = |address: &str| match Address::parse(address, None).unwrap() {
            Address::Ssh(target) => arguments(&target).join(" "),
            other => panic!("{other}"),
        };
        assert_eq!(
            arguments("ssh://me@there:2222/run/e.sock"),
            "-l me -p 2222 -o ConnectTimeout=30 -T -- there docker --host unix:///run/e.sock system \
             dial-stdio"
        );
        assert_eq!(
            arguments("ssh://there"),
            "-o ConnectTimeout=30 -T -- there docker system dial-stdio"
        );
    }
}

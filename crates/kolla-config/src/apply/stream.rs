//! Writes the log in few system calls, without holding a line back for long.

use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The longest time for which a line is held back.
const DELAY: Duration = Duration::from_millis(100);

/// Collects lines and writes them together, at the latest a tenth of a second after they came.
///
/// Thousands of files make thousands of lines, and a write for each would cost as much as copying a
/// small file. But when a file system hangs or a container is killed, the log must already say what
/// was being done.
pub struct LogStream<W: Write + Send + 'static> {
    buffer: Arc<Mutex<BufWriter<W>>>,
    /// No thread writes the lines: each line is written at once.
    is_immediate: bool,
}

impl<W: Write + Send + 'static> LogStream<W> {
    /// Starts the thread that writes to `output`. It ends with the stream.
    pub fn new(output: W) -> LogStream<W> {
        let buffer = Arc::new(Mutex::new(BufWriter::with_capacity(64 << 10, output)));
        let weak = Arc::downgrade(&buffer);
        let write_collected = move || {
            loop {
                thread::sleep(DELAY);
                let Some(buffer) = weak.upgrade() else {
                    return;
                };
                let _ = lock(&buffer).flush();
            }
        };
        // A container may be forbidden to start a thread.
        let started = thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(write_collected);
        LogStream {
            buffer,
            is_immediate: started.is_err(),
        }
    }

    /// Takes a line. Errors are ignored: a service must get its files even if nobody reads the log.
    pub fn write(&self, line: &str) {
        let mut buffer = lock(&self.buffer);
        let _ = buffer.write_all(line.as_bytes());
        if self.is_immediate {
            let _ = buffer.flush();
        }
    }
}

impl<W: Write + Send + 'static> Drop for LogStream<W> {
    fn drop(&mut self) {
        let _ = lock(&self.buffer).flush();
    }
}

fn lock<W: Write>(buffer: &Mutex<BufWriter<W>>) -> MutexGuard<'_, BufWriter<W>> {
    buffer.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn lines_are_written_during_the_work() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let stream = LogStream::new(writer);
        stream.write("Copying /a to /b\n");
        let (send, received) = mpsc::channel();
        thread::spawn(move || {
            let mut text = [0; 64];
            let length = reader.read(&mut text).unwrap();
            send.send(text[..length].to_vec()).unwrap();
        });
        let line = received.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(line, b"Copying /a to /b\n");
        drop(stream);
    }

    #[test]
    fn lines_are_written_together_and_the_last_at_the_end() {
        #[derive(Clone, Default)]
        struct Writes(Arc<Mutex<Vec<Vec<u8>>>>);
        impl Write for Writes {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().push(bytes.to_vec());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let writes = Writes::default();
        let stream = LogStream::new(writes.clone());
        for _ in 0..1000 {
            stream.write("line\n");
        }
        drop(stream);
        let writes = writes.0.lock().unwrap();
        assert!(writes.len() < 100, "{} writes", writes.len());
        assert_eq!(writes.concat(), "line\n".repeat(1000).into_bytes());
    }
}

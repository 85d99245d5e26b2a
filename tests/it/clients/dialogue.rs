use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

/// A client copies the demo library in seconds; a machine under load is given many times that.
const DEADLINE: Duration = Duration::from_secs(120);

/// A conversation with a client: it asks on stdout or stderr and is answered on stdin.
pub struct Dialogue {
    child: Child,
    stdin: ChildStdin,
    said: Receiver<(Stream, Vec<u8>)>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// What was said since the last answer, whichever way.
    unanswered: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

/// How a client ended and what it said.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Dialogue {
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, said) = channel(16);
        tokio::spawn(listen(Stream::Stdout, child.stdout.take().unwrap(), sender.clone()));
        tokio::spawn(listen(Stream::Stderr, child.stderr.take().unwrap(), sender));
        let stdin = child.stdin.take().unwrap();
        Self { child, stdin, said, stdout: Vec::new(), stderr: Vec::new(), unanswered: Vec::new() }
    }

    /// The client's process.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it has not been waited for")
    }

    /// Waits until the client has said `question` since the last answer.
    pub async fn wait_for(&mut self, question: &str) {
        let asked = timeout(DEADLINE, async {
            while !lossy(&self.unanswered).contains(question) {
                if !self.hear().await {
                    return false;
                }
            }
            true
        });
        let asked = asked.await;
        assert!(asked == Ok(true), "the client never asked {question:?}; it said:\n{}", self.transcript());
    }

    /// Answers a question with a line.
    pub async fn answer(&mut self, line: &str) {
        self.unanswered.clear();
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.expect("the client reads its answer");
    }

    /// Closes stdin and lets the client finish.
    pub async fn end(mut self) -> Ended {
        self.stdin.shutdown().await.expect("the client's stdin closes");
        let ended = timeout(DEADLINE, async {
            while self.hear().await {}
            self.child.wait().await.expect("the client's end")
        });
        let ended = ended.await;
        let Ok(status) = ended else { panic!("the client did not end; it said:\n{}", self.transcript()) };
        Ended { status, stdout: lossy(&self.stdout), stderr: lossy(&self.stderr) }
    }

    /// Takes in the next piece of what the client says; `false` when it will say no more.
    async fn hear(&mut self) -> bool {
        let Some((stream, piece)) = self.said.recv().await else { return false };
        self.unanswered.extend_from_slice(&piece);
        match stream {
            Stream::Stdout => self.stdout.extend(piece),
            Stream::Stderr => self.stderr.extend(piece),
        }
        true
    }

    fn transcript(&self) -> String {
        format!("{}\n-- stderr\n{}", lossy(&self.stdout), lossy(&self.stderr))
    }
}

impl Ended {
    /// Panics with everything the client said unless it succeeded.
    pub fn succeeded(self) -> Self {
        assert!(self.status.success(), "{}\n-- stdout\n{}\n-- stderr\n{}", self.status, self.stdout, self.stderr);
        self
    }
}

/// Runs a client that asks nothing.
pub async fn run(command: Command) -> Ended {
    Dialogue::start(command).end().await
}

async fn listen(stream: Stream, mut pipe: impl AsyncRead + Unpin, sender: Sender<(Stream, Vec<u8>)>) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(length @ 1..) = pipe.read(&mut piece).await {
        if sender.send((stream, piece[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! The control port.

use std::sync::Arc;

use tokio::net::TcpListener;

use crate::state::State;

pub async fn serve(_state: Arc<State>, _listener: TcpListener) {}

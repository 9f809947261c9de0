//! Pulling from a registry that answers, and then says nothing more.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use slipway_events::Events;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use slipway_engine::{ConnectOptions, Limits, connect};
use slipway_runtime::converge::{ApplyOptions, ContainerSet, ConvergeError, apply};
use slipway_service::ContainerConfig;
use slipway_test_support::unique;

slipway_test_support::harness! {
    [engine] async fn a_stalled_registry_times_out_before_any_change;
}

/// A registry that greets whoever comes, and leaves every other question open. Gives its address.
fn stalling_registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            if request.starts_with("GET /v2/ ") {
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                );
            } else if request.starts_with("GET") || request.starts_with("HEAD") {
                kept.push(stream);
            }
            // What is no HTTP (TLS is tried first) is hung up on.
        }
    });
    address
}

async fn a_stalled_registry_times_out_before_any_change() {
    let engine = connect(&ConnectOptions {
        limits: Limits {
            silence: Duration::from_secs(2),
            ..Limits::default()
        },
        ..ConnectOptions::default()
    })
    .await
    .unwrap();
    let image = format!("{}/silent/image:1", stalling_registry());
    let name = unique("rt-stall");
    let text = format!("{{{name}: {{image: '{image}'}}}}");
    let set = ContainerSet {
        config_id: name.clone(),
        managed_by: "slipway-test".to_owned(),
        containers: ContainerConfig::parse_all(Path::new("s.yaml"), &text).unwrap(),
    };
    let given_up = apply(
        engine.as_ref(),
        &set,
        &ApplyOptions::default(),
        &Events::ignore(),
    )
    .await;
    let error = given_up.unwrap_err();
    assert!(matches!(error, ConvergeError::Missing { .. }), "{error}");
    let words = format!(
        "container {name}: image {image} is not there and cannot be pulled: no answer for 2 s; look at the registry"
    );
    assert!(error.to_string().contains(&words), "{error}");
    assert!(engine.find_container(&name).await.unwrap().is_none());
}

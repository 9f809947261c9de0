//! Connects to the engine that the environment names, and tells what it is. With an image as its
//! argument, it also runs a container of it.
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use slipway_engine::{ConnectOptions, ContainerSpec, EngineError, ExecSpec, connect};

#[tokio::main]
async fn main() -> Result<(), EngineError> {
    let engine = connect(&ConnectOptions::default()).await?;
    let info = engine.info();
    println!(
        "{} {}, API {}, at {}",
        info.name(),
        info.version,
        info.api_version,
        info.address
    );
    let containers = engine.list_containers(&[]).await?;
    println!("{} containers", containers.len());
    let Some(image) = std::env::args().nth(1) else {
        return Ok(());
    };
    let spec = ContainerSpec {
        image,
        command: Some(["sleep", "600"].map(str::to_owned).to_vec()),
        network_mode: Some("none".to_owned()),
        ..ContainerSpec::default()
    };
    let name = format!("engine-info-{}", std::process::id());
    let id = engine.create_container(&name, &spec).await?;
    engine.start_container(&id).await?;
    let echo = ExecSpec {
        command: ["echo", "hello"].map(str::to_owned).to_vec(),
        ..ExecSpec::default()
    };
    let result = engine.exec(&id, &echo).await;
    engine.remove_container(&id).await?;
    println!("{:?}", result?.output);
    Ok(())
}

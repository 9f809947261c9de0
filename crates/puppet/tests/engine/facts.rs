//! The source of a run's facts, and the number of times that Facter runs.

use crate::common::{Deployment, entry, outcomes};
use serde_json::json;
use slipway_puppet::Settings;

pub async fn facts_are_found_out_once_and_handed_in() {
    let deployment = Deployment::new().await;
    let manifest = "file { '/etc/f': content => \"${facts['hostname']} ${facts['marked']} ${facts['deployment_type']}\" }";
    let run = async |volume: &str, volumes: Vec<String>| {
        let mut entry = entry(volume, manifest);
        entry.volumes = volumes;
        let report = deployment
            .puppet(json!({}))
            .generate(vec![entry])
            .await
            .unwrap();
        let report = report.into_result().unwrap();
        assert_eq!(outcomes(&report)[0].0, "changed");
        deployment.generated(&format!("{volume}/etc/f"))
    };
    let host = slipway_puppet::hostname().unwrap();
    assert_eq!(run("one", vec![]).await, format!("{host}  containers"));

    let kept = std::fs::read_dir(deployment.paths().puppet_state().join("facts")).unwrap();
    let kept: Vec<_> = kept.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    let mut facts: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&kept[0]).unwrap()).unwrap();
    facts["marked"] = json!("handed-in");
    std::fs::write(&kept[0], facts.to_string()).unwrap();
    assert_eq!(
        run("two", vec![]).await,
        format!("{host} handed-in containers")
    );
    let mount = format!("{}:/mnt:ro", deployment.root.path().display());
    assert_eq!(
        run("three", vec![mount]).await,
        format!("{host}  containers"),
        "what is mounted may have facts of its own"
    );
}

/// Asks Facter for facts as providers do, and says what it answered, and whether it looked
/// anywhere for it.
const ASKING: &str = r"
Puppet::Functions.create_function(:asking) do
  def ask(name)
    calls = 0
    counting = TracePoint.new(:call) do |call|
      calls += 1 if call.path.include?('/facter/')
    end
    value = counting.enable { Facter.value(name) }
    looked = calls.zero? ? 'known' : 'looked'
    said << (name.to_s + ': ' + value.inspect + ', ' + looked)
  end

  def said
    @said ||= []
  end

  def asking
    2.times { ask('os_immutable') }
    ask(:OS_Immutable)
    2.times { ask('os.immutable') }
    Facter.add('os_immutable') { setcode { 'yes' } }
    ask('os_immutable')
    Facter.clear
    2.times { ask('os_immutable') }
    Facter.add('unset') { setcode { nil } }
    ask('unset')
    Facter.flush
    ask('unset')
    said.join(10.chr)
  end
end
";

pub async fn a_fact_that_nobody_defines_is_looked_for_once_until_facts_change() {
    let deployment = Deployment::new().await;
    let functions = "etc/puppet/modules/asking/lib/puppet/functions";
    let functions = deployment.root.path().join(functions);
    std::fs::create_dir_all(&functions).unwrap();
    std::fs::write(functions.join("asking.rb"), ASKING).unwrap();
    let expected = [
        "os_immutable: nil, looked",
        "os_immutable: nil, known",
        "OS_Immutable: nil, known",
        // Part of a fact that is known.
        "os.immutable: nil, known",
        "os.immutable: nil, known",
        "os_immutable: \"yes\", looked",
        "os_immutable: nil, looked",
        "os_immutable: nil, known",
        "unset: nil, looked",
        // Facter remembers it itself.
        "unset: nil, known",
    ];
    // With facts that the run finds out itself, and with those of an earlier run.
    for process_count in [2, 1] {
        let settings = Settings {
            process_count,
            force: true,
            ..deployment.settings()
        };
        let puppet = deployment.puppet_with(json!({}), settings);
        let entries = ["one", "two"].map(|name| {
            let manifest = "file { '/etc/asked': content => asking() }";
            entry(name, manifest)
        });
        let report = puppet.generate(entries.into()).await.unwrap();
        report.into_result().unwrap();
        for name in ["one", "two"] {
            let answers = deployment.generated(&format!("{name}/etc/asked"));
            assert_eq!(answers.lines().collect::<Vec<_>>(), expected, "{name}");
        }
    }
}

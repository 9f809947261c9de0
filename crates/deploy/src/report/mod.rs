//! The report of a deployment: its events over time, as one page.
//!
//! A [`Recorder`] watches the events of a deployment. Its [`Record`] holds when each Puppet run and each
//! container began and ended, why, and with which result; [`Record::page`] shows it.

mod page;
mod record;

pub use record::{Record, Recorder};

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use slipway_service::Step;
    use slipway_test_support::FakeEngine;

    use super::*;
    use crate::{Declarations, Deployment, Events, KeyFiles, Options, RoleSource};

    const SERVICE: &str = "
service_name: a
docker_config:
  step_1:
    good: {image: i, command: [up]}
  step_2:
    bad:
      image: i
      command: [exit, '3']
      detach: false
      environment: [ADMIN_PASSWORD=s3cret-word]
";

    #[tokio::test]
    async fn a_failed_deployment_is_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let service = directory.path().join("a.yaml");
        std::fs::write(&service, SERVICE).unwrap();
        let source = RoleSource {
            declarations: Declarations::Services(vec![service]),
            role: "R".to_owned(),
            hiera: Vec::new(),
            keys: KeyFiles::default(),
        };
        let options = Options {
            root: directory.path().join("root"),
            ..Options::default()
        };
        let recorder = Recorder::new();
        let events = recorder.watch(&Events::ignore());
        let deployment = Deployment::of_services(&source, &options, events).unwrap();
        let engine = Arc::new(FakeEngine::with_image("i"));
        let deployment = deployment.connect(engine).unwrap();
        let steps: Vec<Step> = Step::all().collect();
        let result = deployment.deploy(&steps).await;
        assert!(result.is_err());

        let record = recorder.finish(&result);
        let page = record.redacted(|text| deployment.redact(text)).page("R");
        assert!(page.contains("<h2>bad failed</h2>"), "{page}");
        assert!(
            page.contains("<td>good<span class=dim> container</span>"),
            "{page}"
        );
        assert!(
            page.contains("<b>Step 2</b>") && !page.contains("<b>Step 3</b>"),
            "{page}"
        );
        assert_eq!(deployment.redact("a s3cret-word"), "a ***");
    }
}

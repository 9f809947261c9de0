//! The examples at the end of each command's help.

pub const BUILD: &str = "\
Examples:
  slipway build --base debian --plan keystone
  slipway build --base debian --template-override overrides/puppet.j2
  slipway build --kolla /opt/kolla --base rocky --template-only --work-dir rendered
  slipway build --bake out keystone && cd out && docker buildx bake
  slipway build --push --export-pipeline gitlab >images.yml";

pub const IMAGES: &str = "\
Examples:
  slipway images diff slipway/keystone:2026-10 slipway/keystone:2026-11 --packages-only
  slipway images sbom slipway/keystone:latest --format spdx >keystone.spdx.json";

pub const CONFIG: &str = "\
Examples:
  slipway config --services services --root /srv/first --hiera hiera.yaml
  slipway config --services services --root /srv/first --hiera hiera.yaml --check
  slipway config --file docker-puppet.json --config-volume keystone --force";

pub const KOLLA_CONFIG: &str = "\
Examples:
  slipway kolla-config check /var/lib/kolla/config_files/*.json
  slipway kolla-config check --services services --images
  slipway kolla-config write --services services --root /srv/first";

pub const RESOLVE: &str = "\
Examples:
  slipway resolve --templates tripleo-heat-templates -e env.yaml docker/services/keystone.yaml
  slipway resolve --templates tripleo-heat-templates -e env.yaml --role Controller --out controller
  slipway resolve --templates tripleo-heat-templates --process processed";

pub const EXPORT: &str = "\
Examples:
  slipway export --out site --nodes nodes.yaml --services services --hiera hiera.yaml
  ansible-playbook -i site/inventory.yaml site/deploy.yaml
  slipway export --as tripleo --templates tripleo-heat-templates -e env.yaml \\
      --tripleo-common tripleo-common --out site
  ansible-playbook -i site/tripleo-ansible-inventory.yaml site/deploy_steps_playbook.yaml";

pub const DOCTOR: &str = "\
Examples:
  slipway doctor
  slipway doctor --services services --hiera hiera.yaml --root /srv/first --format json";

pub const INIT: &str = "\
Examples:
  slipway init /srv/first --root /srv/first/root
  slipway init first --service haproxy --service mariadb --value internal_api_vip=192.0.2.10";

pub const SERVICES: &str = "\
Examples:
  slipway services
  slipway services keystone
  slipway services --schema service > service.schema.json";

pub const GRAPH: &str = "\
Examples:
  slipway graph services --services services --out services.svg
  slipway graph images --base debian --out images.svg
  slipway graph images --base debian --as dot keystone | dot -Tpng > keystone.png";

pub const SETTINGS: &str = "\
Examples:
  slipway settings
  slipway settings --config first/slipway.yaml --format json";

pub const APPLY: &str = "\
Examples:
  slipway apply --file step_3.yaml --config-id tripleo_step3 --plan
  slipway apply --file step_3.yaml --config-id tripleo_step3 --managed-by tripleo-Controller --wait";

pub const DEPLOY: &str = "\
Examples:
  slipway deploy --services services --root /srv/first --hiera hiera.yaml --plan
  slipway deploy --services services --root /srv/first --hiera hiera.yaml
  slipway deploy --config /srv/first/slipway.yaml --report report.html
  slipway deploy --config /srv/first/slipway.yaml --check
  slipway deploy --config /srv/first/slipway.yaml --rollback
  slipway deploy --templates tripleo-heat-templates -e env.yaml --role Controller --step 3
  slipway deploy --site site --plan
  slipway deploy --site site --report report.html
  slipway deploy --site site --limit controller-1 --resume";

pub const UPDATE: &str = "\
Examples:
  slipway update --site site --plan
  slipway update --site site --report report.html
  slipway update --site site --resume";

pub const UPGRADE: &str = "\
Examples:
  slipway upgrade --site site --plan
  slipway upgrade --site site --max-fail 1";

pub const FFU: &str = "\
Examples:
  slipway ffu --site site
  slipway ffu --site site --resume";

pub const STATUS: &str = "\
Examples:
  slipway status --site site
  slipway status --site site --limit Controller --format json";

pub const PS: &str = "\
Examples:
  slipway ps --root /srv/first
  slipway ps --managed-by tripleo-Controller --config-id tripleo_step3 --format json";

pub const LOGS: &str = "\
Examples:
  slipway logs keystone --root /srv/first --tail 20
  slipway logs keystone --managed-by tripleo-Controller --follow";

pub const DEBUG: &str = "\
Examples:
  slipway debug --file step_3.yaml --container keystone
  slipway debug --file step_3.yaml --container keystone --action run --shell";

pub const DELETE: &str = "\
Examples:
  slipway delete --all --root /srv/first
  slipway delete --config-id tripleo_step3 --managed-by tripleo-Controller";

pub const HOOK: &str = "\
Examples:
  slipway hook docker-cmd < deployment.json
  slipway hook docker-cmd-cleanup --config /var/run/heat-config/heat-config";

pub const CLEANUP: &str = "\
Examples:
  slipway cleanup --config-id tripleo_step3 --managed-by tripleo-Controller";

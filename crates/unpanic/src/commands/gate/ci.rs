//! `unpanic gate ci`: the step of a pipeline, printed, to be put where it belongs.

use std::io::Write as _;

use diag::ExitClass;

use crate::cli_gate::CiArgs;

/// Prints it.
pub fn run(args: &CiArgs) -> anyhow::Result<ExitClass> {
    let build = yaml_string(&args.build);
    let text = if args.github { github(&build) } else { gitlab(&build) };
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitClass::Clean)
}

/// A double-quoted scalar (YAML 1.2, section 7.3.1); JSON's strings are a subset of it.
fn yaml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn github(build: &str) -> String {
    format!(
        "\
# Steps of a job in .github/workflows/; the job needs Go and unpanic on its path.
- name: Build the release candidate
  run: {build}
- name: Gate
  run: >-
    unpanic gate --config gate.toml --html gate.html --junit gate.xml
    --markdown \"$GITHUB_STEP_SUMMARY\" -- ./service
- name: Keep the gate's report
  if: always()
  uses: actions/upload-artifact@v4
  with:
    name: gate
    path: |
      gate.html
      gate.xml
"
    )
}

fn gitlab(build: &str) -> String {
    format!(
        "\
# A job of .gitlab-ci.yml; its image needs Go and unpanic.
gate:
  stage: test
  script:
    - {build}
    - unpanic gate --config gate.toml --html gate.html --junit gate.xml -- ./service
  artifacts:
    when: always
    paths: [gate.html]
    reports:
      junit: gate.xml
"
    )
}

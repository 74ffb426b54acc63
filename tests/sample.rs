//! The committed samples: made by the committed program from the committed inputs.

use std::fs;

use crate::support::{copy_study, nest, repository};

/// The studies with committed samples.
const STUDIES: [&str; 5] = ["shop", "nginx", "migration", "minimum-payment", "locust-shop"];
/// Day the committed samples are made for.
const AS_OF: &str = "2026-12-01";

#[test]
fn committed_models_and_reports_are_what_the_program_makes_of_the_measurements() {
    for name in STUDIES {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let study = copy_study(name, folder.path());
        let (models, reports) = (
            repository().join("models").join(name),
            repository().join("reports").join(name),
        );
        fs::copy(models.join("measurements.json"), study.join("measurements.json"))
            .expect("measurements are committed");
        let path = study.to_str().expect("UTF-8");
        nest(folder.path(), &["fit", path]).expect(0);
        nest(folder.path(), &["project", path, "--as-of", AS_OF]).expect(0);
        nest(folder.path(), &["report", path]).expect(0);
        let same = |made: &std::path::Path, kept: &std::path::Path| {
            let read = |path: &std::path::Path| {
                fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            };
            assert!(
                read(made) == read(kept),
                "{} is not what the program makes; make it again with `tests/make-samples`",
                kept.display()
            );
        };
        same(&study.join("scaling.json"), &models.join("scaling.json"));
        for entry in fs::read_dir(&reports).expect("reports are committed") {
            let kept = entry.expect("readable").path();
            same(
                &study.join("reports").join(kept.file_name().expect("a file")),
                &kept,
            );
        }
    }
}

#[test]
fn committed_measurements_are_small() {
    for name in STUDIES {
        let length = fs::metadata(repository().join("models").join(name).join("measurements.json"))
            .expect("committed")
            .len();
        assert!(length <= 200_000, "{name}: {length} bytes");
    }
}

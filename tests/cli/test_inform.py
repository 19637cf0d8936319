import json

import jsonschema
import yaml

from tests.support.small_scenario import SCENARIO


def test_catalogues_are_listed(inside):
    done = inside("catalogs")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split() == ["catalog", "images", "first"]
    assert any(line.startswith("official ") for line in done.stdout.splitlines())


def test_images_are_found_by_a_part_of_their_name(inside):
    done = inside("catalogs", "nginx", "-o", "json")
    images = json.loads(done.stdout)
    assert {"nginx:latest"} <= {image["image"] for image in images}
    assert all("nginx" in image["image"] for image in images)
    assert all(image["layers"] > 0 and image["bytes"] > 1_000_000 for image in images)


def test_no_image_found(inside):
    done = inside("catalogs", "no-such-image")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no built-in image has 'no-such-image' in its name" in done.stderr


def test_presets_are_listed_and_shown_with_their_sources(inside):
    names = {row["preset"] for row in json.loads(inside("presets", "-o", "json").stdout)}
    assert {"aws/c5a.4xlarge-gp2", "aws/m6i.large-gp3", "azure/HB120-96rs_v3"} <= names
    figures = json.loads(inside("presets", "aws/c5a.4xlarge-gp2", "-o", "json").stdout)
    assert all(figure["value"] is not None and figure["source"] for figure in figures)
    done = inside("presets", "aws/c5a.4xlarge")
    assert done.returncode == 2
    assert "did you mean aws/c5a.4xlarge-gp2?" in done.stderr


def test_schema_accepts_a_scenario_and_rejects_another(inside):
    done = inside("schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    validator = jsonschema.validators.validator_for(schema)(schema)
    validator.check_schema(schema)
    assert not list(validator.iter_errors(yaml.safe_load(SCENARIO)))
    assert list(validator.iter_errors({"version": 1, "nodez": []}))


def test_validate_says_what_was_understood(inside, scenario):
    done = inside("validate", scenario, "--set", "kubelet.maxParallelImagePulls=3", "--set", "horizon=10m")
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    assert (
        "2 nodes in workers: linux/amd64, kubelet 1.35.7 (3 pulls at a time), containerd 2.1.9 (3 downloads)" in words
    )
    assert "workers: kubelet 1.35 pulls at most 3 at a time (maxParallelImagePulls: 3)" in words
    assert "workers: layers that come at a time: 3, containerd's limit that all pulls share" in words
    assert "4 pods of web, created at 0 s" in words
    assert "3 pods of job, created at 1 s" in words
    assert "example.com/team/app:v1: 4 containers, 2 layers, 39 MB" in words
    assert "example.com: 125 MB/s egress" in words
    assert "Ends at 600 s" in words


def test_validate_finds_mistakes_with_their_places(inside, scenario):
    scenario.write_text(SCENARIO.replace("count: 2", "cuont: 2").replace("at: 1s", "at: soon"))
    done = inside("validate", scenario)
    assert (done.returncode, done.stdout) == (2, "")
    errors = done.stderr.splitlines()
    assert len(errors) == 2
    assert all(error.startswith(f"pullsim: error: {scenario}:") for error in errors)
    assert "'cuont'" in errors[0]
    assert "count" in errors[0]


def test_validate_says_what_it_understood_of_each_of_several_scenarios(inside, tmp_path):
    text = "version: 1\nnodes: [{{name: {}}}]\nworkloads: [{{pods: {{image: 'nginx:1.12'}}}}]\n"
    paths = [tmp_path / f"{name}.yaml" for name in "abcd"]
    for path in paths:
        path.write_text(text.format(path.stem), encoding="utf-8")
    done = inside("validate", paths[0], paths[1])
    assert done.returncode == 0
    first, second = done.stdout.split(f"{paths[1].as_posix()}:\n")
    assert first.startswith(f"{paths[0].as_posix()}:\n")
    assert "1 node in a" in first
    assert "1 node in b" in second


def test_validate_tells_the_mistakes_of_all_scenarios(inside, tmp_path):
    paths = [tmp_path / f"{name}.yaml" for name in "abc"]
    for path, key in zip(paths, ("nodez", "seed", "workload"), strict=True):
        path.write_text(f"version: 1\nnodes: [{{}}]\n{key}: 1\n", encoding="utf-8")
    done = inside("validate", *paths)
    assert done.returncode == 2
    assert f"{paths[0]}:3:1: unknown key 'nodez'" in done.stderr
    assert f"{paths[2]}:3:1: unknown key 'workload'" in done.stderr
    assert str(paths[1]) not in done.stderr
    assert f"{paths[1].as_posix()}:\n" in done.stdout


def test_validate_names_an_image_that_nobody_knows(inside, scenario):
    scenario.write_text(
        SCENARIO.replace('{name: job, image: "example.com/team/job:v1"}', '{name: job, image: "no/such:1"}')
    )
    done = inside("validate", scenario)
    assert done.returncode == 2
    assert "no/such:1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there(inside, tmp_path):
    done = inside("validate", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "none.yaml" in done.stderr


def test_validate_of_much_fits_a_screen_and_verbose_has_all(inside, tmp_path):
    images = [{"image": f"r.test/app-{n}:1", "layers": [{"size": f"{n + 1}MB"}]} for n in range(30)]
    workloads = [{"name": f"w{n}", "pods": {"image": f"r.test/app-{n}:1", "count": n + 1}} for n in range(30)]
    file = tmp_path / "s.yaml"
    pools = [{"name": f"pool-{n}"} for n in range(3)]
    file.write_text(json.dumps({"images": {"define": images}, "nodes": pools, "workloads": workloads}))
    brief = inside("validate", file).stdout
    words = " ".join(brief.split())
    assert len(brief.splitlines()) <= 30
    assert "Pods 465 pods of 30 workloads, created at 0 s: w29 (30), w28 (29), w27 (28) and 27 more" in words
    assert "Images 30 images, the largest first: r.test/app-29:1 (30 MB), r.test/app-28:1 (29 MB)," in words
    assert "--verbose lists each of them" in words
    for pool in pools:
        assert f"1 node in {pool['name']}:" in words
        assert f"{pool['name']}: layers that come at a time:" in words
    whole = " ".join(inside("validate", file, "--verbose").stdout.split())
    assert "--verbose" not in whole
    for n in range(30):
        assert f" of w{n}, created at 0 s" in whole
        assert f"r.test/app-{n}:1: {n + 1} container" in whole


def test_what_cannot_be_pulled_is_named_among_many_images(inside, tmp_path):
    images = [{"image": f"r.test/app-{n}:1", "layers": [{"size": "1MB"}]} for n in range(8)]
    workloads = [{"name": f"w{n}", "pods": {"image": f"r.test/app-{n}:1"}} for n in range(9)]
    document = {"images": {"define": images, "unknown": "notFound"}, "nodes": [{}], "workloads": workloads}
    (tmp_path / "s.yaml").write_text(json.dumps(document))
    assert "in no catalogue: r.test/app-8:1" in " ".join(inside("validate", tmp_path / "s.yaml").stdout.split())

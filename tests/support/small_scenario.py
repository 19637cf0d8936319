"""The scenario of the command line's tests."""

SCENARIO = """\
version: 1
name: small
seed: 7
images:
  define:
    - {image: example.com/team/app:v1, layers: [{size: 30MB}, {size: 9MB}]}
    - {image: example.com/team/job:v1, layers: [{size: 30MB}]}
registries:
  - {host: example.com, egress: 1Gbit/s}
nodes:
  - name: workers
    count: 2
workloads:
  - name: web
    pod: {containers: [{name: app, image: "example.com/team/app:v1"}]}
    count: 4
  - name: job
    pod: {containers: [{name: job, image: "example.com/team/job:v1"}]}
    count: 3
    at: 1s
"""

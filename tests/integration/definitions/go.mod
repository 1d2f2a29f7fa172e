// Modules that carry the CustomResourceDefinitions of other projects whose objects manifests/ contains.
module quoting.dev/tests/definitions

go 1.24

require (
	github.com/cert-manager/cert-manager v1.19.1
	github.com/prometheus-operator/prometheus-operator v0.85.0
)

module quoting.dev/localcluster/pause

go 1.21

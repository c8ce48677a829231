module isthmus.invalid/etcd-api

go 1.25.0

require go.etcd.io/etcd/api/v3 v3.5.21

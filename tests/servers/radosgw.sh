#!/usr/bin/env bash
# Ceph's S3 server over one monitor and one object store in memory, all of it in DIR and on 127.0.0.1. They end with us.
# Usage: radosgw.sh DIR PORT MON_PORT ACCESS_KEY SECRET_KEY   (free ports; the one after MON_PORT is taken too)
set -euo pipefail
dir=$1 port=$2 mon_port=$3 access_key=$4 secret_key=$5
exec >"$dir/output" 2>&1
trap 'touch "$dir/failed"; sleep infinity' EXIT # who waits for us reads why, before all of this is removed
mkdir -p "$dir"/{mon,osd,log,rgw}
fsid=$(cat /proc/sys/kernel/random/uuid)
cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon_host = v2:127.0.0.1:$mon_port,v1:127.0.0.1:$((mon_port + 1))
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
mon_data_avail_crit = 1
mon_data_avail_warn = 2
mon_max_pg_per_osd = 1000
osd_objectstore = memstore
memstore_device_bytes = 2147483648
osd_data = $dir/osd
mon_data = $dir/mon
log_file = $dir/log/\$name.log
admin_socket = $dir/\$name.asok
pid_file = $dir/\$name.pid
run_dir = $dir
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:$port
rgw_data = $dir/rgw
rgw_enable_usage_log = false
rgw_run_sync_thread = false
CONF
export CEPH_CONF=$dir/ceph.conf
monmaptool --create --addv a "[v2:127.0.0.1:$mon_port,v1:127.0.0.1:$((mon_port + 1))]" --fsid "$fsid" "$dir/monmap"
ceph-mon --mkfs -i a --monmap "$dir/monmap"
ceph-mon -i a --foreground &
osd=$(cat /proc/sys/kernel/random/uuid)
timeout 150 ceph osd new "$osd"
ceph-osd -i 0 --mkfs --osd-uuid "$osd"
ceph-osd -i 0 --foreground &
timeout 150 radosgw-admin user create --uid=tests --display-name=tests --access-key="$access_key" --secret="$secret_key"
radosgw -n client.rgw --foreground &
wait -n

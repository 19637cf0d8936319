"""All keys of the tables of containerd's config.toml that have settings of image pulls (docs/cri/config.md)."""

from __future__ import annotations

from typing import Final

TOP: Final = frozenset(
    """
    cgroup debug disabled_plugins grpc imports metrics oom_score plugin_dir plugins proxy_plugins required_plugins
    root state stream_processors temp timeouts ttrpc version
    """.split()  # noqa: SIM905  # tables of names read better
)
#: plugins."io.containerd.cri.v1.images"
KEYS_V3: Final = frozenset(
    """
    concurrent_layer_fetch_buffer disable_snapshot_annotations discard_unpacked_layers image_decryption
    image_pull_progress_timeout image_pull_with_sync_fs max_concurrent_downloads pinned_images registry
    runtime_platforms sandbox_binary snapshotter stats_collect_period use_local_image_pull
    """.split()  # noqa: SIM905
)
#: plugins."io.containerd.grpc.v1.cri" of version 2
KEYS_V2: Final = frozenset(
    """
    cdi_spec_dirs cni containerd device_ownership_from_security_context disable_apparmor disable_cgroup
    disable_hugetlb_controller disable_proc_mount disable_tcp_service drain_exec_sync_io_timeout enable_cdi
    enable_selinux enable_tls_streaming enable_unprivileged_icmp enable_unprivileged_ports ignore_deprecation_warnings
    ignore_image_defined_volumes image_decryption image_pull_progress_timeout image_pull_with_sync_fs
    max_concurrent_downloads max_container_log_line_size netns_mounts_under_state_dir registry restrict_oom_score_adj
    sandbox_image selinux_category_range stats_collect_period stream_idle_timeout stream_server_address
    stream_server_port systemd_cgroup tolerate_missing_hugetlb_controller unset_seccomp_profile
    x509_key_pair_streaming
    """.split()  # noqa: SIM905
)
#: The keys of KEYS_V2 that are settings of images; containerd 2.x converts them to version 3 (configMigration).
MIGRATED: Final = frozenset(
    """
    image_decryption image_pull_progress_timeout image_pull_with_sync_fs max_concurrent_downloads registry
    sandbox_image stats_collect_period
    """.split()  # noqa: SIM905
)
#: plugins."io.containerd.grpc.v1.cri".containerd of version 2
V2_CONTAINERD: Final = frozenset(
    """
    default_runtime default_runtime_name disable_snapshot_annotations discard_unpacked_layers
    ignore_blockio_not_enabled_errors ignore_rdt_not_enabled_errors no_pivot runtimes snapshotter
    untrusted_workload_runtime
    """.split()  # noqa: SIM905
)
#: plugins."io.containerd.transfer.v1.local"
TRANSFER_KEYS: Final = frozenset(
    """
    check_platform_supported concurrent_layer_fetch_buffer config_path max_concurrent_downloads
    max_concurrent_unpacks max_concurrent_uploaded_layers unpack_config
    """.split()  # noqa: SIM905
)
REGISTRY: Final = frozenset(("auths", "config_path", "configs", "headers", "mirrors"))
#: The first release that knows a setting, for settings later than 1.6, by (whether it is the transfer service's, key).
SINCE: Final[dict[tuple[bool, str], tuple[int, ...]]] = {
    (False, "image_pull_progress_timeout"): (1, 7),
    (False, "image_pull_with_sync_fs"): (1, 7, 14),
    (False, "concurrent_layer_fetch_buffer"): (2, 1),
    (False, "use_local_image_pull"): (2, 1),
    (True, "concurrent_layer_fetch_buffer"): (2, 1),
    (True, "max_concurrent_unpacks"): (2, 2),
}

ALTER TABLE maintenance.detached_partitions
    ADD COLUMN estimated_rows bigint,
    ADD COLUMN total_bytes    bigint;
COMMENT ON COLUMN maintenance.detached_partitions.estimated_rows IS 'About how many rows it had when it was detached';
COMMENT ON COLUMN maintenance.detached_partitions.total_bytes IS
    'How much room it took then, with its indexes: what dropping it gives back';

COMMENT ON COLUMN maintenance.data_retention_policies.schema_name IS 'Where the table is';
COMMENT ON COLUMN maintenance.data_retention_policies.table_name IS 'The partitioned table';
COMMENT ON COLUMN maintenance.data_retention_policies.partition_column IS 'What its rows are partitioned by';
COMMENT ON COLUMN maintenance.data_retention_policies.partition_unit IS 'How much time one partition holds: a day, a week or a month of UTC';
COMMENT ON COLUMN maintenance.data_retention_policies.is_active IS 'A table whose policy is not active gets no partitions and loses none';
COMMENT ON COLUMN maintenance.data_retention_policies.description IS 'Why it is kept that long';

COMMENT ON COLUMN maintenance.runs.id IS 'Counts up';
COMMENT ON COLUMN maintenance.runs.task IS 'What was done';
COMMENT ON COLUMN maintenance.runs.started_at IS 'When it began';
COMMENT ON COLUMN maintenance.runs.finished_at IS 'When it ended';
COMMENT ON COLUMN maintenance.runs.detail IS 'What else there is to say, such as the names of partitions';

COMMENT ON COLUMN maintenance.detached_partitions.relation IS 'Where it is now, with its schema';
COMMENT ON COLUMN maintenance.detached_partitions.parent IS 'The table that it was a part of';
COMMENT ON COLUMN maintenance.detached_partitions.range_from IS 'The first moment that its rows can be of';
COMMENT ON COLUMN maintenance.detached_partitions.range_to IS 'The first moment that they cannot be of any more';
COMMENT ON COLUMN maintenance.detached_partitions.needs_archive IS 'What the policy said when it was detached';
COMMENT ON COLUMN maintenance.detached_partitions.detached_at IS 'When it left its table';
COMMENT ON COLUMN maintenance.detached_partitions.drop_after IS 'Until then it can still be brought back';
COMMENT ON COLUMN maintenance.detached_partitions.dropped_at IS 'When it was dropped; NULL while it is there';

"""Files that outlive their tables: Parquet in a folder or a bucket, read back before anything is dropped."""

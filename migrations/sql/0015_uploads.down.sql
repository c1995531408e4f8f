DROP TABLE upload_rows;
DROP TABLE upload_members;
DROP TABLE upload_chunks;
DROP TABLE upload_files;
DROP TABLE uploads;

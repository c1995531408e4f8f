DROP TABLE export_chunks;
DROP TABLE export_parts;
DROP TABLE exports;
DROP VIEW prospect_sheet;
DROP FUNCTION csv_cell(text);

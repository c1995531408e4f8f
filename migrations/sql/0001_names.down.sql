DROP FUNCTION ucc_name_key(text);

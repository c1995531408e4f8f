DROP FUNCTION prospect_story(uuid);

-- The words that papers are searched by, written by the database whenever a paper's text changes.

-- Text as the words of it are told apart: without accents, typographic variants and joining signs, so that
-- "fine-tuning" is the two words "fine tuning" and "GPT-4" no negative number. At most `longest` characters.
CREATE FUNCTION papers_plain(text text, longest integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT translate(
    CASE
      WHEN octet_length(text) = length(text) THEN left(text, longest)  -- plain ASCII, as most abstracts are
      ELSE regexp_replace(
        regexp_replace(normalize(left(text, longest), NFKD), '[\u0300-\u036f]', '', 'g'),
        '[\u0080-\u00bf\u00d7\u00f7\u2000-\u206f\u3000-\u303f\ufeff]', ' ', 'g')
    END,
    '-_/\^@{}$~|+=<>&#:', repeat(' ', 18))
$$;

CREATE FUNCTION papers_vector(text text, weight "char", longest integer) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT setweight(to_tsvector('pg_catalog.english', papers_plain(coalesce(text, ''), longest)), weight)
$$;

-- The limits keep a vector far below its largest size, beyond which PostgreSQL would refuse the paper.
-- Where a dump is restored or a replica written, no schema is searched: so the functions that name tables or
-- other functions bring their search path along.
-- A new word is kept without asking whether another transaction is keeping it just now: that would be to wait
-- for its end, and two that wait for each other's words would never end. So a word may be kept twice.
CREATE FUNCTION papers_write_words(paper papers_paper) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  title_vector tsvector := papers_vector(paper.title, 'A', 2000);
BEGIN
  INSERT INTO papers_paperwords AS words (paper_id, day, is_listed, title, everything)
  VALUES (
    paper.id, coalesce(paper.published_on, paper.listed_on), NOT paper.hidden, title_vector,
    title_vector
    || papers_vector(array_to_string(paper.keywords[1:100], ' . '), 'B', 4000)
    || papers_vector(paper.abstract, 'C', 20000)
    || papers_vector(concat_ws(' . ', array_to_string(paper.authors[1:100], ' . '),
                               paper.organization_name, paper.organization_slug), 'D', 8000)
  )
  ON CONFLICT (paper_id) DO UPDATE
    SET day = excluded.day, is_listed = excluded.is_listed,
        title = excluded.title, everything = excluded.everything;
  INSERT INTO papers_titleword (word, backwards)
  SELECT DISTINCT part, reverse(part)
  FROM regexp_split_to_table(lower(papers_plain(paper.title, 2000)), '[^a-z\u00df-\uffff]+') AS part
  WHERE length(part) BETWEEN 4 AND 40
    AND NOT EXISTS (SELECT FROM papers_titleword AS known WHERE known.word = part);
END
$$;

CREATE FUNCTION papers_keep_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' OR (NEW.title, NEW.keywords, NEW.abstract, NEW.authors, NEW.organization_name, NEW.organization_slug)
     IS DISTINCT FROM (OLD.title, OLD.keywords, OLD.abstract, OLD.authors, OLD.organization_name, OLD.organization_slug)
  THEN
    PERFORM papers_write_words(NEW);
  ELSIF (NEW.published_on, NEW.listed_on, NEW.hidden) IS DISTINCT FROM (OLD.published_on, OLD.listed_on, OLD.hidden)
  THEN
    UPDATE papers_paperwords
    SET day = coalesce(NEW.published_on, NEW.listed_on), is_listed = NOT NEW.hidden
    WHERE paper_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER papers_keep_words AFTER INSERT OR UPDATE ON papers_paper
FOR EACH ROW EXECUTE FUNCTION papers_keep_words();

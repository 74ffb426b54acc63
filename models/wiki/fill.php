<?php
// Fills the wiki for this study through MediaWiki's own code, the same each time: readers who can log in, articles with a history,
// handbooks that are long, and drafts that the customers edit. start.sh runs it once, before the servers that are measured.
require_once '/usr/share/mediawiki/maintenance/Maintenance.php';

use MediaWiki\MediaWikiServices;

class Fill extends Maintenance {
	private const READERS = 40;
	private const ARTICLES = 20;
	private const REVISIONS = 6;
	private const HANDBOOKS = 8;
	private const DRAFTS = 32; // one for each customer at a time: [measure] max_in_flight
	private const WORDS = 'price account garden window letter market number office paper question reason river school service street ' .
		'summer table teacher village winter animal bridge butter candle cellar church corner doctor engine family farmer feather finger ' .
		'forest harbour island kettle kitchen ladder leather machine mirror morning mountain needle orchard passage pepper picture pocket ' .
		'quarter railway saddle season shadow shoulder silver station stocking sugar thunder ticket valley velvet wagon weather whistle ' .
		'widow yellow';

	private $seed = 1;

	public function execute() {
		foreach ( range( 1, self::READERS ) as $number ) {
			$reader = User::newFromName( "Reader $number" );
			$reader->addToDatabase();
			$password = 'a-reader-of-the-wiki';
			$reader->changeAuthenticationData( [ 'username' => $reader->getName(), 'password' => $password, 'retype' => $password ] );
		}
		foreach ( range( 1, self::ARTICLES ) as $number ) {
			$paragraphs = array_map( fn () => $this->paragraph(), range( 1, 12 ) );
			foreach ( range( 1, self::REVISIONS ) as $revision ) {
				$paragraphs[$revision] = $this->paragraph();
				$this->save( "Article $number", $this->text( $paragraphs, 4 ) );
			}
		}
		foreach ( range( 1, self::HANDBOOKS ) as $number ) {
			$this->save( "Handbook $number", $this->text( array_map( fn () => $this->paragraph(), range( 1, 160 ) ), 8 ) );
		}
		// Words that nobody searches for: what is found, and what that costs, stays the same while drafts change.
		foreach ( range( 0, self::DRAFTS - 1 ) as $number ) {
			$this->save( "Draft $number", str_repeat( "Draft of a page, not written yet. ", 40 ) );
		}
		DeferredUpdates::doUpdates();
	}

	private function save( $name, $text ) {
		static $author = null;
		$author ??= User::newSystemUser( 'Author', [ 'steal' => true ] );
		$title = Title::newFromText( $name );
		$page = MediaWikiServices::getInstance()->getWikiPageFactory()->newFromTitle( $title );
		$status = $page->doUserEditContent( ContentHandler::makeContent( $text, $title ), $author, 'filled' );
		if ( !$status->isOK() ) {
			$this->fatalError( "$name: $status" );
		}
	}

	/** Paragraphs under headings, so many each. */
	private function text( $paragraphs, $each ) {
		$text = '';
		foreach ( array_values( $paragraphs ) as $index => $paragraph ) {
			$text .= ( $index % $each === 0 ? '== Part ' . ( $index / $each + 1 ) . " ==\n" : '' ) . "$paragraph\n\n";
		}
		return $text;
	}

	/** About 40 words, some of them links, one in bold. Later words of the list are rarer. */
	private function paragraph() {
		$words = explode( ' ', self::WORDS );
		$text = "'''" . ucfirst( $words[$this->below( count( $words ) )] ) . "'''";
		foreach ( range( 1, 30 + $this->below( 20 ) ) as $_ ) {
			$word = $words[(int)( $this->below( count( $words ) ) * $this->below( 1000 ) / 1000 )];
			$text .= $this->below( 15 ) === 0 ? ' [[Article ' . ( 1 + $this->below( self::ARTICLES ) ) . "|$word]]" : " $word";
		}
		return "$text.";
	}

	/** Park and Miller, 1988. */
	private function below( $limit ) {
		$this->seed = ( $this->seed * 16807 ) % 2147483647;
		return $this->seed % $limit;
	}
}

$maintClass = Fill::class;
require_once RUN_MAINTENANCE_IF_MAIN;
